"""The shapes the demo checkpoint knows, as outlines; the drawing and the judge share them."""

from __future__ import annotations

from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

__all__ = ["OUTLINES", "coverage"]

Points: TypeAlias = NDArray[np.float64]

RING_HOLE: Final = 0.58
_SUPERSAMPLE: Final = 4


def _regular(corners: int, *, first_angle: float = -90.0) -> Points:
    angles = np.deg2rad(first_angle + np.arange(corners) * 360 / corners)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def _star() -> Points:
    # 0.45 is a little fuller than the pentagram's 0.38: its arms survive eight-pixel latents.
    radius = np.where(np.arange(10) % 2 == 0, 1.0, 0.45)
    return _regular(10) * radius[:, None]


def _heart() -> Points:
    t = np.linspace(0, 2 * np.pi, 80, endpoint=False)
    x = 16 * np.sin(t) ** 3
    y = -(13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t))
    return np.stack([x, y - 2.5], axis=1) / 16


def _cross() -> Points:
    arm = 0.34
    quarter = np.array([[arm, -0.95], [arm, -arm], [0.95, -arm]])
    turn = np.array([[0.0, 1.0], [-1.0, 0.0]])
    return np.concatenate([quarter @ np.linalg.matrix_power(turn, k) for k in range(4)])


def _crescent() -> Points:
    # The outer circle, less a circle of radius 0.8 moved to the right; both meet at the horns.
    shift, inner = 0.45, 0.8
    horn_x = (1 - inner**2 + shift**2) / (2 * shift)
    outer_angle = np.arccos(horn_x)
    inner_angle = np.arctan2(np.sqrt(1 - horn_x**2), horn_x - shift)
    outer = np.linspace(outer_angle, 2 * np.pi - outer_angle, 64)
    back = np.linspace(2 * np.pi - inner_angle, inner_angle, 64)
    outside = np.stack([np.cos(outer), np.sin(outer)], axis=1)
    inside = np.stack([shift + inner * np.cos(back), inner * np.sin(back)], axis=1)
    return np.concatenate([outside, inside]) + np.array([0.15, 0.0])


# Each outline: contours in a unit disc around the origin, y downwards; a second contour is a hole.
OUTLINES: Final[dict[str, list[Points]]] = {
    "circle": [_regular(72) * 0.92],
    "square": [_regular(4, first_angle=-135) * 1.15],
    "triangle": [_regular(3) * 1.1 + [0.0, 0.22]],
    "star": [_star() * 1.12 + [0.0, 0.08]],
    "heart": [_heart()],
    "ring": [_regular(72), _regular(72) * RING_HOLE],
    "diamond": [_regular(4) * [0.68, 1.08]],
    "cross": [_cross()],
    "crescent": [_crescent()],
    "hexagon": [_regular(6, first_angle=0)],
}


def coverage(
    shape: str, *, width: int, height: int, centre: tuple[float, float], radius: float
) -> NDArray[np.float32]:
    """Draw the named shape as an anti-aliased mask.

    Centre and radius are in pixels. The result is (height, width), 1 inside, 0 outside.
    """
    mask = Image.new("L", (width * _SUPERSAMPLE, height * _SUPERSAMPLE))
    pen = ImageDraw.Draw(mask)
    for number, contour in enumerate(OUTLINES[shape]):
        points = (contour * radius + centre) * _SUPERSAMPLE
        pen.polygon([(x, y) for x, y in points], fill=0 if number else 255)
    return np.asarray(mask.reduce(_SUPERSAMPLE), dtype=np.float32) / 255
