"""Outlines of a picture: the map that the ControlNet follows, and lines to draw with."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from adapters.preprocessing.opencv import OpenCvPreprocessor
from domain.generation.parts import Preprocessor
from domain.generation.raster import Raster

__all__ = ["lines", "outline_map"]

# The map is that of the service, with the thresholds that it begins with.
_CANNY: Final = Preprocessor(name="canny")

# Lines are drawn around the forms alone: a blur removes stars and ripples first.
_BLUR: Final = 1.6
_LINE_LOW: Final = 50
_LINE_HIGH: Final = 120


def outline_map(picture: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return where the outlines of an sRGB picture (height, width, 3) are: (height, width)."""
    height, width = picture.shape[:2]
    drawn = OpenCvPreprocessor().map_of(Raster(width, height, picture.tobytes()), _CANNY)
    levels = np.frombuffer(drawn.pixels, np.uint8).reshape(height, width, 3)
    found: NDArray[np.bool_] = levels[..., 0] > 0
    return found


def lines(picture: NDArray[np.uint8], width: float) -> NDArray[np.float32]:
    """Return outlines as lines of `width` pixels: (height, width), 1 on a line, 0 beside it."""
    edges = cv2.Canny(cv2.GaussianBlur(picture, (0, 0), _BLUR), _LINE_LOW, _LINE_HIGH)
    distance = cv2.distanceTransform(255 - edges, cv2.DIST_L2, 5)
    return np.clip(width / 2 + 0.5 - distance, 0, 1).astype(np.float32)
