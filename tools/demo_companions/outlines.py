"""Outlines of a picture: the map that the ControlNet follows, and lines to draw with."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["lines", "outline_map"]

# The thresholds that ControlNet's own canny annotator begins with
# (https://github.com/lllyasviel/ControlNet, `gradio_canny2image.py`).
LOW: Final = 100
HIGH: Final = 200

# Lines are drawn around the forms alone: a blur removes stars and ripples first.
_BLUR: Final = 1.6
_LINE_LOW: Final = 50
_LINE_HIGH: Final = 120


def outline_map(picture: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return where the outlines of an sRGB picture (height, width, 3) are: (height, width)."""
    return cv2.Canny(picture, LOW, HIGH) > 0


def lines(picture: NDArray[np.uint8], width: float) -> NDArray[np.float32]:
    """Return outlines as lines of `width` pixels: (height, width), 1 on a line, 0 beside it."""
    edges = cv2.Canny(cv2.GaussianBlur(picture, (0, 0), _BLUR), _LINE_LOW, _LINE_HIGH)
    distance = cv2.distanceTransform(255 - edges, cv2.DIST_L2, 5)
    return np.clip(width / 2 + 0.5 - distance, 0, 1).astype(np.float32)
