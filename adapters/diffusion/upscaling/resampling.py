"""Lanczos resampling of a part of a picture, as Pillow resamples the whole (`src/libImaging`).

The filter is sinc(x) · sinc(x / 3) for |x| < 3. Where a picture shrinks, the filter is as much
wider, so that no fine pattern becomes a coarse one. Weights are divided by their sum, which matters
at the edges.
"""

import math

import torch

__all__ = ["needed_span", "resampled"]

_LOBES = 3
_AT_ONCE = 64
"""Target pixels that are computed together."""


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


def _weights(
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
    pixels: torch.Tensor, first: int, last: int, begin: int, *, target: int, source: int
) -> torch.Tensor:
    """Resample the last dimension of (…, length).

    A few target pixels at a time need few source pixels, which makes the products small.

    Args:
        pixels: Source pixels from `begin` on, at least as many as `needed_span` says.
        first: The first target pixel.
        last: The one after the last target pixel.
        begin: The number of the first source pixel.
        target: Pixels of the whole side after resampling.
        source: Pixels of the whole side before resampling.

    Returns:
        The target pixels from `first` to `last`.
    """
    if target == source:
        return pixels[..., first - begin : last - begin]
    pieces = []
    for start in range(first, last, _AT_ONCE):
        stop = min(start + _AT_ONCE, last)
        low, high = needed_span(start, stop, target=target, source=source)
        weights = _weights(start, stop, low, high, target=target, source=source)
        pieces.append(pixels[..., low - begin : high - begin] @ weights.to(pixels.device).T)
    return torch.cat(pieces, dim=-1)
