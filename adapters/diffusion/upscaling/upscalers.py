"""Enlarges pictures with upscaler models, and without one by Lanczos' filter."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from adapters.diffusion.devices.device import Device
from adapters.diffusion.upscaling.enlarging import enlarged
from adapters.diffusion.upscaling.upscaler import Upscaler
from domain.errors import GenerationFailed
from domain.generation.raster import Raster
from domain.pictures import MOST_PIXELS_DRAWN
from domain.sizes import Size

__all__ = ["DEFAULT_SCALE", "Upscalers", "enlarged_size"]

DEFAULT_SCALE = 2.0
"""The scale without a model that has its own."""


def enlarged_size(width: int, height: int, scale: float) -> Size:
    """Return the size of a picture of `width` × `height` pixels after it is enlarged."""
    return Size(max(1, round(width * scale)), max(1, round(height * scale)))


class Upscalers:
    """Enlarges pictures. For the thread that draws.

    Args:
        device: The device that enlarges.
        load: Returns the upscaler with a model id, which stays loaded as long as the cache of
            pipelines has room for it. It raises what a load raises.
    """

    def __init__(self, device: Device, load: Callable[[str], Upscaler]) -> None:
        self._device = device
        self._load = load

    def enlarge(
        self,
        raster: Raster,
        model_id: str | None,
        scale: float | None = None,
        *,
        tick: Callable[[float], None] = lambda share: None,
    ) -> Raster:
        """Enlarge a picture by a factor.

        Args:
            raster: The picture.
            model_id: The upscaler; None for Lanczos' filter.
            scale: The factor of each side; None for the model's own, and without a model for 2.
            tick: Receives the share that is done, 0 to 1, between tiles. Its exception ends the
                work.

        Raises:
            ModelNotFound: No model has the id.
            ModelNotLoadable: The model is not an upscaler that can be used.
            OutOfMemory: The model does not fit the memory.
            MemoryError: The smallest tile does not fit. torch may raise its own error for it.
            GenerationFailed: Computing produces NaN, or the result has too many pixels.
        """
        upscaler = None if model_id is None else self._load(model_id)
        if scale is None:
            scale = DEFAULT_SCALE if upscaler is None else float(upscaler.facts.scale)
        target = enlarged_size(raster.width, raster.height, scale)
        return self._enlarged(raster, target, upscaler, tick)

    def enlarge_to(
        self,
        raster: Raster,
        model_id: str | None,
        size: Size,
        *,
        tick: Callable[[float], None] = lambda share: None,
    ) -> Raster:
        """Enlarge a picture to an exact size. Raises what `enlarge` raises."""
        upscaler = None if model_id is None else self._load(model_id)
        return self._enlarged(raster, size, upscaler, tick)

    def _enlarged(
        self,
        raster: Raster,
        target: Size,
        upscaler: Upscaler | None,
        tick: Callable[[float], None],
    ) -> Raster:
        if target.pixels > MOST_PIXELS_DRAWN:
            raise GenerationFailed(
                f"the result would have {target.width} × {target.height} pixels, and at most "
                f"{MOST_PIXELS_DRAWN} are possible; ask for a smaller scale"
            )
        scale = 1 if upscaler is None else upscaler.facts.scale
        sizes = list(_sizes(Size(raster.width, raster.height), target, scale))
        total, done = sum(size.pixels for size in sizes), 0
        for size in sizes:
            progress = _Progress(tick, done / total, size.pixels / total)
            raster = enlarged(raster, size, upscaler, self._device, progress)
            done += size.pixels
        return raster


@dataclass(frozen=True, slots=True)
class _Progress:
    """Tells the share of all passes, from that of one pass."""

    tick: Callable[[float], None]
    start: float
    share: float

    def __call__(self, part: float) -> None:
        self.tick(self.start + part * self.share)


def _sizes(source: Size, target: Size, scale: int) -> Iterator[Size]:
    """Yield the size after each pass; the last one is the target.

    If one pass makes a smaller picture than the target, the result is enlarged again, as
    AUTOMATIC1111's web UI does: a model makes more of a picture than Lanczos' filter.
    """
    while scale > 1 and (
        source.width * scale < target.width or source.height * scale < target.height
    ):
        source = Size(source.width * scale, source.height * scale)
        yield source
    yield target
