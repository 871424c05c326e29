"""Enlarges a picture tile by tile, so that memory grows with the tile and not with the picture."""

import gc
import logging
import math
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from adapters.diffusion.devices.device import Device
from adapters.diffusion.devices.errors import is_out_of_memory
from adapters.diffusion.upscaling.resampling import needed_span, resampled
from adapters.diffusion.upscaling.tiles import Span, Surroundings, Tile, tiles_of
from adapters.diffusion.upscaling.upscaler import Upscaler
from domain.checkpoints.upscalers import UpscalerArchitecture
from domain.generation.raster import Raster
from domain.sizes import Size

__all__ = ["enlarged", "tile_side"]

_LARGEST_TILE, _SMALLEST_TILE = 512, 32
_HOST_SHARE, _GPU_SHARE = 1 / 16, 1 / 4
_MOST_BYTES = 2**30
"""Larger tiles would take more memory, and save little work."""

Pixels: TypeAlias = NDArray[np.uint8]

_log = logging.getLogger(__name__)


def enlarged(
    source: Raster,
    target: Size,
    upscaler: Upscaler | None,
    device: Device,
    tick: Callable[[int, int], None],
    *,
    side: int | None = None,
) -> Raster:
    """Enlarge a picture, in several passes if one is not enough, and resample it to the exact size.

    If a tile does not fit the memory, smaller ones are tried.

    Args:
        source: The picture.
        target: The size of the result.
        upscaler: Enlarges; None to resample alone, with Lanczos' filter.
        device: The device of the upscaler.
        tick: Receives how many tiles of all passes are done, and how many there are, before each
            tile and after the last one. Its exception ends the work.
        side: The most pixels of the source on each side of a tile; None for what the device can do.

    Raises:
        MemoryError: The smallest tile does not fit. torch may raise its own error for it.
    """
    side = side or tile_side(upscaler, device)
    sizes = list(_sizes(source, target, 1 if upscaler is None else upscaler.facts.scale))
    done = 0
    for number in range(1, len(sizes)):
        while True:
            passes = [_Tiling(*pair, side, upscaler) for pair in pairwise(sizes[number - 1 :])]
            progress = _Progress(tick, done, done + sum(len(each.tiles) for each in passes))
            try:
                source = _Pass(source, passes[0], upscaler).run(progress)
                break
            except (MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error) or side <= _SMALLEST_TILE:
                    raise
                # The frames of the error still hold the tensors that did not fit.
                traceback.clear_frames(error.__traceback__)
            gc.collect()
            device.release_memory()
            side = max(side // 2, _SMALLEST_TILE)
            _log.info("enlarging in tiles of %d pixels: larger ones do not fit the memory", side)
        done += len(passes[0].tiles)
    tick(done, done)
    return source


def _sizes(source: Raster, target: Size, scale: int) -> Iterator[Size]:
    """Yield the size before the first pass and after each one; the last one is the target.

    If one pass makes a smaller picture than the target, the result is enlarged again, as
    AUTOMATIC1111's web UI does: a model makes more of a picture than Lanczos' filter.
    """
    size = Size(source.width, source.height)
    yield size
    while scale > 1 and (size.width * scale < target.width or size.height * scale < target.height):
        size = Size(size.width * scale, size.height * scale)
        yield size
    yield target


@dataclass(frozen=True, slots=True)
class _Progress:
    """Tells of the tiles of all passes, from those of one."""

    tick: Callable[[int, int], None]
    before: int
    total: int

    def __call__(self, done: int) -> None:
        self.tick(self.before + done, self.total)


def tile_side(upscaler: Upscaler | None, device: Device) -> int:
    """Return the most pixels on each side of a tile for which the device has the memory."""
    if upscaler is None:
        return _LARGEST_TILE
    around = _surroundings(upscaler)
    side = math.isqrt(int(_bytes_for_tiles(device) / _bytes_of_a_pixel(upscaler)))
    side -= 2 * (around.context + around.blend)
    return max(_SMALLEST_TILE, min(side, _LARGEST_TILE))


def _bytes_for_tiles(device: Device) -> float:
    if device.name == "cuda":
        free, _ = torch.cuda.mem_get_info(device.torch_device)
        return min(_GPU_SHARE * free, _MOST_BYTES)
    return min(_HOST_SHARE * device.plan.memory_bytes, _MOST_BYTES)


def _bytes_of_a_pixel(upscaler: Upscaler) -> float:
    """Return about how many bytes the network takes for a pixel of the source, at its peak."""
    facts, item = upscaler.facts, upscaler.precision.itemsize
    numbers = 3.0 * facts.features
    if facts.architecture is UpscalerArchitecture.RRDB:
        # Three tensors at the highest resolution, or those of a dense block at the lowest.
        blocks = 3 * (facts.features + 4 * facts.growth) / facts.unshuffle**2
        numbers = max(numbers * facts.scale**2, blocks)
    return item * (numbers + 9 * facts.scale**2)


def _surroundings(upscaler: Upscaler | None) -> Surroundings:
    if upscaler is None:
        return Surroundings(0)
    return Surroundings.of(upscaler.facts.reach, upscaler.facts.unshuffle)


class _Tiling:
    """The tiles of one pass, in a target of one size."""

    def __init__(self, source: Size, target: Size, side: int, upscaler: Upscaler | None) -> None:
        self.target = target
        self.around = _surroundings(upscaler)
        self.tiles = tuple(
            tiles_of(
                *(target.width, target.height),
                source=(source.width, source.height),
                side=side,
                blend=self.around.blend,
            )
        )


class _Pass:
    """One enlargement of a picture."""

    def __init__(self, source: Raster, tiling: _Tiling, upscaler: Upscaler | None) -> None:
        pixels = np.frombuffer(source.pixels, dtype=np.uint8)
        self._source: Pixels = pixels.reshape(source.height, source.width, 3)
        self._tiling = tiling
        self._target, self._around = tiling.target, tiling.around
        self._upscaler = upscaler
        self._scale = 1 if upscaler is None else upscaler.facts.scale
        self._multiple = 1 if upscaler is None else upscaler.facts.unshuffle
        size = (self._target.height, self._target.width, 3)
        self._result: Pixels = np.empty(size, dtype=np.uint8)

    def run(self, progress: Callable[[int], None]) -> Raster:
        for number, tile in enumerate(self._tiling.tiles):
            progress(number)
            self._write(tile)
        pixels = memoryview(self._result.reshape(-1)).toreadonly()
        return Raster(self._target.width, self._target.height, pixels)

    def _write(self, tile: Tile) -> None:
        found = self._computed(tile).clamp(0, 1).mul(255).permute(1, 2, 0)
        place = np.s_[tile.rows.first : tile.rows.last, tile.columns.first : tile.columns.last]
        if tile.rows.fade or tile.columns.fade:
            shares = _shares(tile.rows)[:, None, None] * _shares(tile.columns)[None, :, None]
            before = self._result[place].astype(np.float32)
            mixed = before + shares * (found.cpu().numpy() - before)
            self._result[place] = np.rint(mixed).astype(np.uint8)
        else:
            # Conversion to bytes on the device makes the copy from it a quarter as large.
            self._result[place] = found.round().to(torch.uint8).cpu().numpy()

    def _computed(self, tile: Tile) -> torch.Tensor:
        """Return the pixels of a tile: (3, height, width) in float32, about 0 to 1."""
        height, width = self._source.shape[:2]
        top, bottom = self._needed(tile.rows, height, self._target.height)
        left, right = self._needed(tile.columns, width, self._target.width)
        part = self._source[top:bottom, left:right]
        scale = self._scale
        if self._upscaler is None:
            pixels = torch.tensor(part).permute(2, 0, 1).float() / 255
        else:
            pixels = self._upscaler(part)
        for span, begin, target, source in (
            (tile.columns, left, self._target.width, width),
            (tile.rows, top, self._target.height, height),
        ):
            # The first turn resamples columns, the second one rows. Pillow too cuts values off
            # between the two.
            pixels = resampled(
                pixels.clamp(0, 1),
                *(span.first, span.last, begin * scale),
                target=target,
                source=source * scale,
            ).transpose(1, 2)
        return pixels

    def _needed(self, span: Span, source: int, target: int) -> tuple[int, int]:
        """Return the source pixels that a tile needs along one side: the first, and the end.

        Args:
            span: The pixels of the target.
            source: Pixels of the whole side of the source.
            target: Pixels of the whole side of the target.
        """
        scale, multiple, context = self._scale, self._multiple, self._around.context
        large = source * scale
        begin, end = needed_span(span.first, span.last, target=target, source=large)
        first = max(begin // scale - context, 0) // multiple * multiple
        last = -(-(-(-end // scale) + context) // multiple) * multiple
        return first, min(last, source)


def _shares(span: Span) -> NDArray[np.float32]:
    """Return the share of a tile in each of its rows or columns: from 0 to 1, then 1."""
    shares: NDArray[np.float32] = np.ones(len(span), dtype=np.float32)
    shares[: span.fade] = (np.arange(span.fade, dtype=np.float32) + 0.5) / max(span.fade, 1)
    return shares
