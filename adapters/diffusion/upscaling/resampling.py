"""Lanczos resampling of a part of a picture, as Pillow resamples the whole (`src/libImaging`).

The filter is sinc(x) · sinc(x / 3) for |x| < 3. Where a picture shrinks, the filter is as much
wider, so that no fine pattern becomes a coarse one. Weights are divided by their sum, which matters
at the edges.
"""

import math

import torch

__all__ = ["needed_span", "resampled", "resampling_weights"]

_LOBES = 3


def needed_span(first: int, last: int, *, target: int, source: int) -> tuple[int, int]:
    """Return the source pixels that the target pixels `first` to `last` need, along one side.

    Args:
        first: The first target pixel.
        last: The one after the last target pixel.
        target: Pixels of the whole side after resampling.
        source: Pixels of the whole side before resampling.

    Returns:
        The first source pixel, and the one after the last.
    """
    if target == source:
        return first, last
    ratio = source / target
    support = _LOBES * max(ratio, 1.0)
    begin = math.floor((first + 0.5) * ratio - support)
    end = math.ceil((last - 0.5) * ratio + support)
    return max(begin, 0), min(end + 1, source)


def resampling_weights(
    first: int, last: int, begin: int, end: int, *, target: int, source: int
) -> torch.Tensor:
    """Return the weight of each source pixel for each target pixel: (last - first, end - begin).

    `begin` and `end` are at least as far apart as `needed_span` says. The type is float32.
    """
    ratio = source / target
    width = max(ratio, 1.0)
    centres = (torch.arange(first, last, dtype=torch.float64) + 0.5) * ratio
    places = torch.arange(begin, end, dtype=torch.float64) + 0.5
    distances = (places[None] - centres[:, None]) / width
    weights = torch.sinc(distances) * torch.sinc(distances / _LOBES)
    weights[distances.abs() >= _LOBES] = 0
    return (weights / weights.sum(dim=1, keepdim=True)).float()


def resampled(
    pixels: torch.Tensor, rows: torch.Tensor | None, columns: torch.Tensor | None
) -> torch.Tensor:
    """Resample (3, height, width) with the weights of its rows and columns; None changes nothing.

    Columns come first, and values are cut off at 0 and 1 after them, as in Pillow.
    """
    if columns is not None:
        pixels = (pixels @ columns.T).clamp(0, 1)
    return pixels if rows is None else rows @ pixels
