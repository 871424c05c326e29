"""Enlarges pictures with upscaler models, and without one by Lanczos' filter."""

from collections.abc import Callable

from adapters.diffusion.devices.device import Device
from adapters.diffusion.upscaling.enlarging import enlarged
from adapters.diffusion.upscaling.upscaler import Upscaler
from domain.errors import GenerationFailed
from domain.generation.raster import Raster
from domain.pictures import MOST_PIXELS_DRAWN
from domain.sizes import Size

__all__ = ["DEFAULT_SCALE", "Tick", "Upscalers", "enlarged_size"]

DEFAULT_SCALE = 2.0
"""The scale without a model that has its own."""

Tick = Callable[[int, int], None]
"""Receives how many tiles are done, and how many there are. Its exception ends the work."""


def _unwatched(done: int, total: int) -> None:
    """Do nothing between two tiles."""


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

    def loaded(self, model_id: str) -> Upscaler:
        """Return the upscaler with this id, loaded.

        Raises:
            ModelNotFound: No model has the id.
            ModelChanged: Its file is not the one that the id names.
            ModelNotLoadable: The model is not an upscaler that can be used.
            OutOfMemory: The model does not fit the memory.
        """
        return self._load(model_id)

    def enlarge_by(
        self,
        raster: Raster,
        upscaler: Upscaler | None,
        scale: float | None = None,
        *,
        tick: Tick = _unwatched,
    ) -> Raster:
        """Enlarge a picture by a factor.

        Args:
            raster: The picture.
            upscaler: The loaded upscaler; None for Lanczos' filter.
            scale: The factor of each side; None for the model's own, and without a model for 2.
            tick: Called before each tile and after the last one.

        Raises:
            MemoryError: The smallest tile does not fit. torch may raise its own error for it.
            GenerationFailed: Computing produces NaN, or the result has too many pixels.
        """
        if scale is None:
            scale = DEFAULT_SCALE if upscaler is None else float(upscaler.facts.scale)
        size = enlarged_size(raster.width, raster.height, scale)
        return self.enlarge_to(raster, upscaler, size, tick=tick)

    def enlarge_to(
        self, raster: Raster, upscaler: Upscaler | None, size: Size, *, tick: Tick = _unwatched
    ) -> Raster:
        """Enlarge a picture to an exact size, as `enlarge_by`."""
        if size.pixels > MOST_PIXELS_DRAWN:
            raise GenerationFailed(
                f"the result would have {size.width} × {size.height} pixels, and at most "
                f"{MOST_PIXELS_DRAWN} are possible; ask for a smaller scale"
            )
        return enlarged(raster, size, upscaler, self._device, tick)
