"""Decide from a picture's pixels whether it shows what was asked for; numpy and Pillow only."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tools.demo_checkpoint.judging.landscape import has_feature, time_of_day
from tools.demo_checkpoint.scenes.outlines import OUTLINES, coverage
from tools.demo_checkpoint.scenes.palette import nearest_colours, to_lab

__all__ = [
    "ShapeVerdict",
    "foreground",
    "has_feature",
    "judge_shape",
    "shape_likeness",
    "time_of_day",
]

# Outlines are compared on a grid of this many cells along the short side.
_GRID: Final = 96
_BORDER: Final = 0.04
# In CIELAB: less than this from the background is background, whatever its hue.
_NOTICEABLE: Final = 20.0
# Overlap (intersection over union) with the best-placed ideal outline.
_ALIKE: Final = 0.8


@dataclass(frozen=True, slots=True)
class ShapeVerdict:
    """Which properties of a flat shape a picture gets right."""

    colour: bool
    background: bool
    shape: bool


def judge_shape(
    image: Image.Image, *, shape: str, colour: str, background: str | None = None
) -> ShapeVerdict:
    """Judge a picture of one flat shape.

    Colours are right if the palette's nearest name in CIELAB is the one asked for; the background's
    is the median of the picture's border. The shape is right if its outline, moved and scaled to
    fit, covers the same pixels as the ideal one and no other known shape fits better. A background
    of None was not asked for.
    """
    pixels = np.asarray(image.convert("RGB"))
    paper = _background_colour(pixels)
    ground_right = background is None or _name(paper) == background
    mask, ink = foreground(pixels)
    if ink is None:
        return ShapeVerdict(colour=False, background=ground_right, shape=False)
    likeness = shape_likeness(mask)
    best = max(likeness, key=likeness.__getitem__)
    return ShapeVerdict(
        colour=_name(ink) == colour,
        background=ground_right,
        shape=best == shape and likeness[best] >= _ALIKE,
    )


def _name(rgb: NDArray[np.generic]) -> str:
    return str(nearest_colours(rgb))


def _background_colour(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the background's colour: the border's median, because a shape may touch the border."""
    width = max(2, round(_BORDER * min(pixels.shape[:2])))
    inside = np.zeros(pixels.shape[:2], dtype=bool)
    inside[width:-width, width:-width] = True
    median: NDArray[np.float64] = np.median(pixels[~inside], axis=0)
    return median


def foreground(
    pixels: NDArray[np.uint8],
) -> tuple[NDArray[np.bool_], NDArray[np.float64] | None]:
    """Separate the shape from its background.

    Returns a mask on a grid of about _GRID cells along the short side, and the shape's median
    colour, sRGB (3,); the colour is None if nothing differs from the background.
    """
    lab, paper = to_lab(pixels), to_lab(_background_colour(pixels))
    distance = np.linalg.norm(lab - paper, axis=-1)
    noticeable = distance > _NOTICEABLE
    if noticeable.mean() < 0.005:
        return np.zeros((1, 1), dtype=bool), None
    # At the edge both colours blend, so its pixels are nearer to the background than the shape's
    # inside is.
    typical = np.percentile(distance[noticeable], 60)
    ink = np.median(pixels[distance > 0.75 * typical], axis=0)
    inked = np.linalg.norm(lab - to_lab(ink), axis=-1) < distance
    return _shrink(inked), ink


def _shrink(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    scale = _GRID / min(mask.shape)
    height, width = (round(side * scale) for side in mask.shape)
    small = Image.fromarray(mask.astype(np.uint8) * 255).resize(
        (width, height), Image.Resampling.BOX
    )
    return np.asarray(small) > 127


def shape_likeness(mask: NDArray[np.bool_]) -> dict[str, float]:
    """Return each outline's best overlap with the mask: intersection over union, 0..1."""
    area = mask.sum()
    if area == 0:
        return dict.fromkeys(OUTLINES, 0.0)
    rows, columns = np.nonzero(mask)
    middle = np.array([columns.mean() + 0.5, rows.mean() + 0.5])
    likeness = {}
    for shape in OUTLINES:
        unit_area, unit_middle = _moments(shape)
        radius = float(np.sqrt(area / unit_area))
        guess = _Fit(shape, middle - unit_middle * radius, radius)
        likeness[shape] = guess.improved(mask).overlap(mask)
    return likeness


@cache
def _moments(shape: str) -> tuple[float, NDArray[np.float64]]:
    """Return the area and centroid of the ideal outline of radius 1."""
    size, radius = 128, 48.0
    ideal = coverage(shape, width=size, height=size, centre=(size / 2, size / 2), radius=radius)
    rows, columns = np.indices(ideal.shape) + 0.5
    centroid = np.array([(columns * ideal).sum(), (rows * ideal).sum()]) / ideal.sum()
    return float(ideal.sum()) / radius**2, (centroid - size / 2) / radius


@dataclass(frozen=True, slots=True)
class _Fit:
    """An ideal outline placed on the grid."""

    shape: str
    centre: NDArray[np.float64]
    radius: float

    def overlap(self, mask: NDArray[np.bool_]) -> float:
        height, width = mask.shape
        x, y = self.centre
        ideal = coverage(self.shape, width=width, height=height, centre=(x, y), radius=self.radius)
        common = (ideal * mask).sum()
        return float(common / (ideal.sum() + mask.sum() - common))

    def improved(self, mask: NDArray[np.bool_]) -> _Fit:
        """Climb to the best nearby place and scale: stray pixels mislead area and centroid."""
        best, score = self, self.overlap(mask)
        for step in (0.06, 0.03):
            move = step * best.radius
            for dx, dy, grow in (
                (1, 0, 1),
                (-1, 0, 1),
                (0, 1, 1),
                (0, -1, 1),
                (0, 0, 1 + step),
                (0, 0, 1 - step),
            ):
                other = _Fit(
                    self.shape, best.centre + np.array([dx, dy]) * move, best.radius * grow
                )
                if (found := other.overlap(mask)) > score:
                    best, score = other, found
        return best
