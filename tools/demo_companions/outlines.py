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

# Lines are drawn around large forms alone. Many lines are a tangle after the autoencoder.
_BLUR: Final = 2.0
_LINE_LOW: Final = 25
_LINE_HIGH: Final = 60
_SHORTEST: Final = 28
"""Pixels of an edge; a shorter one, such as that of a star in the sky, gets no line."""


def outline_map(picture: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return where the outlines of an sRGB picture (height, width, 3) are: (height, width)."""
    height, width = picture.shape[:2]
    drawn = OpenCvPreprocessor().map_of(Raster(width, height, picture.tobytes()), _CANNY)
    levels = np.frombuffer(drawn.pixels, np.uint8).reshape(height, width, 3)
    found: NDArray[np.bool_] = levels[..., 0] > 0
    return found


def lines(picture: NDArray[np.uint8], width: float) -> NDArray[np.float32]:
    """Return outlines as lines of `width` pixels: (height, width), 1 on a line, 0 beside it."""
    soft = cv2.GaussianBlur(picture, (0, 0), _BLUR)
    edges = cv2.Canny(soft, _LINE_LOW, _LINE_HIGH)
    count, labels, facts, _ = cv2.connectedComponentsWithStats(edges, connectivity=8)
    long: NDArray[np.int64] = np.flatnonzero(facts[1:count, cv2.CC_STAT_AREA] >= _SHORTEST) + 1
    edges = np.isin(labels, long).astype(np.uint8) * 255
    distance = cv2.distanceTransform(255 - edges, cv2.DIST_L2, 5)
    return np.clip(width / 2 + 0.5 - distance, 0, 1).astype(np.float32)
