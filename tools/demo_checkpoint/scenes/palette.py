"""The colours the demo checkpoint knows by name."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["COLOURS", "nearest_colours", "to_lab"]

RGB = tuple[int, int, int]

# Far apart on purpose: no two are nearer than 25 in CIELAB, so that naming a pixel is unambiguous
# and a small model's colour error does not cross a border.
COLOURS: Final[dict[str, RGB]] = {
    "red": (215, 25, 35),
    "orange": (250, 135, 15),
    "yellow": (250, 222, 40),
    "green": (35, 150, 60),
    "cyan": (60, 205, 215),
    "blue": (30, 75, 215),
    "purple": (125, 45, 165),
    "pink": (250, 135, 185),
    "brown": (115, 68, 35),
    "white": (248, 248, 248),
    "grey": (132, 132, 132),
    "black": (16, 16, 16),
}

# sRGB to XYZ, and the D65 white point (IEC 61966-2-1).
_TO_XYZ: Final = np.array(
    [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
)
_WHITE: Final = np.array([0.9505, 1.0, 1.089])


def to_lab(rgb: NDArray[np.generic]) -> NDArray[np.float64]:
    """Convert sRGB in 0..255, shape (..., 3), to CIELAB: distance as an eye sees it (CIE 1976)."""
    encoded = np.asarray(rgb, dtype=np.float64) / 255
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    ratio = linear @ _TO_XYZ.T / _WHITE
    root = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    x, y, z = root[..., 0], root[..., 1], root[..., 2]
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def nearest_colours(rgb: NDArray[np.generic]) -> NDArray[np.str_]:
    """Name each pixel of sRGB (..., 3) after the nearest palette colour in CIELAB; shape (...)."""
    names = np.array(list(COLOURS))
    palette = to_lab(np.array(list(COLOURS.values())))
    distance = np.linalg.norm(to_lab(rgb)[..., None, :] - palette, axis=-1)
    return names[distance.argmin(axis=-1)]
