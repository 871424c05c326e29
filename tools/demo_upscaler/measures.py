"""How like a drawing an enlarged picture is, and how sharp."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["edge_error", "psnr", "steepness"]


def psnr(picture: NDArray[np.uint8], truth: NDArray[np.uint8]) -> float:
    """Return the peak signal-to-noise ratio in dB: 10 · log10(255² / mean squared error)."""
    error = np.mean((picture.astype(np.float64) - truth) ** 2)
    return float("inf") if error == 0 else float(10 * np.log10(255**2 / error))


def edge_error(picture: NDArray[np.uint8], truth: NDArray[np.uint8]) -> float:
    """Return how far the edges are from those of the drawing: 0 for the same, 1 for no edges.

    It is the root mean square of the differences of the gradients, divided by that of the drawing's
    gradients. Blurred edges, ringing and jagged lines all raise it.
    """
    difference = sum(
        np.mean((ours - theirs) ** 2)
        for ours, theirs in zip(_gradients(picture), _gradients(truth), strict=True)
    )
    size = sum(np.mean(each**2) for each in _gradients(truth))
    return float(np.sqrt(difference / size))


def steepness(picture: NDArray[np.uint8]) -> float:
    """Return the root mean square of the gradients, in levels a pixel.

    An edge between two given colours has a steeper gradient the sharper it is.
    """
    return float(np.sqrt(sum(np.mean(each**2) for each in _gradients(picture))))


def _gradients(picture: NDArray[np.uint8]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    levels = picture.astype(np.float64)
    return np.diff(levels, axis=0), np.diff(levels, axis=1)
