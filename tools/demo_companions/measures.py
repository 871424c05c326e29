"""Figures of a judge: how much of a blueprint, an aurora or the wanted outlines a picture has."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.demo_checkpoint.scenes.palette import to_lab
from tools.demo_companions.blueprint import INK, PAPER

__all__ = ["aurora_share", "blueprint_share", "outline_agreement"]

_NEAR: Final = 30.0
"""In CIELAB; the nearest two colours of the demo's palette are 25 apart."""

# The demo draws softer edges than its drawings have, and none sharper than a latent pixel.
_BLUR: Final = 1.5
_LOW: Final = 30
_HIGH: Final = 60


def blueprint_share(picture: NDArray[np.uint8]) -> float:
    """Return the share of pixels whose colour lies between the paper and the ink, 0 to 1.

    That is so where the distance to the line between the two colours, in CIELAB, is below 30. A
    picture that is nearly all ink or nearly all paper has no lines, so its share is 0.
    """
    lab = to_lab(picture)
    paper, ink = to_lab(np.array(PAPER)), to_lab(np.array(INK))
    way = ink - paper
    along = np.clip(((lab - paper) @ way) / (way @ way), 0, 1)
    between = np.linalg.norm(lab - paper - along[..., None] * way, axis=-1) < _NEAR
    inked = float((between & (along > 0.35)).mean())
    if not 0.002 < inked < 0.6:
        return 0.0
    return float(between.mean())


def aurora_share(picture: NDArray[np.uint8]) -> float:
    """Return the share of green pixels in the upper half, 0 to 1: where the sky of a landscape is.

    Green is a chroma of at least 20 in CIELAB at a hue of 120 to 190 degrees.
    """
    lab = to_lab(picture[: len(picture) // 2])
    hue = np.degrees(np.arctan2(lab[..., 2], lab[..., 1])) % 360
    chroma = np.hypot(lab[..., 1], lab[..., 2])
    return float(((chroma >= 20) & (hue >= 120) & (hue <= 190)).mean())


def outline_agreement(
    picture: NDArray[np.uint8], wanted: NDArray[np.bool_], tolerance: int = 4
) -> float:
    """Return the F1 score of a picture's outlines against the wanted ones, 0 to 1.

    An outline counts as found where a wanted one is at most `tolerance` pixels away, and the other
    way round. The default is half a latent pixel.
    """
    found = cv2.Canny(cv2.GaussianBlur(picture, (0, 0), _BLUR), _LOW, _HIGH) > 0
    if not found.any() or not wanted.any():
        return float(found.any() == wanted.any())
    precision = float(_grown(wanted, tolerance)[found].mean())
    recall = float(_grown(found, tolerance)[wanted].mean())
    return 2 * precision * recall / max(precision + recall, 1e-9)


def _grown(mask: NDArray[np.bool_], by: int) -> NDArray[np.bool_]:
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * by + 1, 2 * by + 1))
    return cv2.dilate(mask.astype(np.uint8), disc) > 0
