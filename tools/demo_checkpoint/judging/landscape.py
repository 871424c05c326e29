"""Decide from a landscape's pixels which features it shows; numpy and Pillow only.

Each feature is searched by its own paint, in its own part of the picture, at the time of day that
the sky shows. The thresholds were set on drawn landscapes;
tests/unit/tools/test_demo_checkpoint_judge.py checks them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tools.demo_checkpoint.scenes.landscape_scenes import Time
from tools.demo_checkpoint.scenes.moods import MOODS
from tools.demo_checkpoint.scenes.palette import to_lab

__all__ = ["has_feature", "time_of_day"]

Pixels: TypeAlias = NDArray[np.uint8]

# A paint counts if a pixel is this near to it in CIELAB.
_NEAR: Final = 14.0

# Where the reflections in a lake, or the meadow in its place, contain no trees: shares of height
# and width.
_WATER_ROWS: Final = (0.70, 0.88)
_WATER_COLUMNS: Final = (0.35, 0.65)
# Water is bluer than it is green by more than this, in steps of 255; grass in the same place is
# not.
_BLUER: Final[dict[Time, float]] = {"day": -20.0, "sunset": -22.0, "night": 22.0}

_SUN: Final[dict[Time, tuple[int, int, int]]] = {"day": (255, 236, 110), "sunset": (255, 240, 176)}
_MOON: Final = (244, 240, 214)


def time_of_day(image: Image.Image) -> Time:
    """Tell day, sunset and night apart by the top of the sky."""
    pixels = _pixels(image)
    sky = to_lab(np.median(pixels[: max(2, len(pixels) // 20)], axis=(0, 1)))
    return min(
        MOODS, key=lambda time: float(np.linalg.norm(to_lab(MOODS[time].zenith * 255) - sky))
    )


def has_feature(image: Image.Image, feature: str) -> bool:
    """Decide whether a landscape shows a feature: mountains, snow, lake, trees, sun or moon.

    The result is most reliable by day. Trees and mountains by night are dark on dark: asking for
    them there raises ValueError, and so does an unknown feature.
    """
    pixels, time = _pixels(image), time_of_day(image)
    if feature not in _TESTS:
        raise ValueError(f"feature is {feature!r}; it must be one of {', '.join(_TESTS)}")
    return _TESTS[feature](pixels, time)


def _pixels(image: Image.Image) -> Pixels:
    return np.asarray(image.convert("RGB"))


def _share(pixels: Pixels, paint: NDArray[np.generic], rows: tuple[float, float]) -> float:
    """Share of pixels near a paint (sRGB 0..255) between two heights."""
    first, last = (round(row * len(pixels)) for row in rows)
    distance = np.linalg.norm(to_lab(pixels[first:last]) - to_lab(paint), axis=-1)
    return float((distance < _NEAR).mean())


def _mountains(pixels: Pixels, time: Time) -> bool:
    if time == "night":
        raise ValueError(
            "mountains by night cannot be told from the ground; judge by day or at sunset"
        )
    mood, rows = MOODS[time], (0.12, 0.64)
    paints = [mood.rock_shade] if time == "sunset" else [mood.rock_shade, mood.rock_lit]
    return sum(_share(pixels, paint * 255, rows) for paint in paints) > 0.006


def _snow(pixels: Pixels, time: Time) -> bool:
    return _share(pixels, MOODS[time].snow_lit * 255, (0.12, 0.64)) > 0.006


def _trees(pixels: Pixels, time: Time) -> bool:
    if time == "night":
        raise ValueError("trees by night cannot be told from the ground; judge by day or at sunset")
    return _share(pixels, MOODS[time].tree_shade * 255, (0.5, 1.0)) > 0.015


def _lake(pixels: Pixels, time: Time) -> bool:
    height, width = pixels.shape[:2]
    rows = slice(*(round(share * height) for share in _WATER_ROWS))
    columns = slice(*(round(share * width) for share in _WATER_COLUMNS))
    patch = pixels[rows, columns].astype(float)
    return float(np.median(patch[..., 2] - patch[..., 1])) > _BLUER[time]


def _sun(pixels: Pixels, time: Time) -> bool:
    return time in _SUN and _share(pixels, np.array(_SUN[time]), (0.0, 0.6)) > 0.003


def _moon(pixels: Pixels, time: Time) -> bool:
    return time == "night" and _share(pixels, np.array(_MOON), (0.0, 0.6)) > 0.004


_TESTS: Final[dict[str, Callable[[Pixels, Time], bool]]] = {
    "mountains": _mountains,
    "snow": _snow,
    "lake": _lake,
    "trees": _trees,
    "sun": _sun,
    "moon": _moon,
}
