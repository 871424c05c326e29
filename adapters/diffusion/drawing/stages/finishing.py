"""Pixels to rasters of exactly the requested size."""

from dataclasses import dataclass

import torch

from adapters.diffusion.drawing.progress import Progress
from adapters.diffusion.drawing.stages.stage import Canvas, Stage
from domain.errors import GenerationFailed
from domain.generation.raster import Raster
from domain.generation.request import GenerationRequest

__all__ = ["Crop", "ToRasters"]


@dataclass(frozen=True, slots=True)
class ToRasters(Stage):
    """Pixels to bytes, on the device.

    Attributes:
        drawn_by: What drew the pixels, as a message names it.
        dtype: The precision that the pixels were drawn in.
        width: Pixels that were asked for.
        height: Pixels that were asked for.
    """

    drawn_by: str
    dtype: torch.dtype
    width: int
    height: int

    def __call__(self, canvas: Canvas, progress: Progress) -> None:
        """Replace `canvas.pixels` by `canvas.rasters`.

        Raises:
            GenerationFailed: The pixels have another size, or are NaN or infinite.
        """
        pixels, size = canvas.pixels, (self.height, self.width)
        canvas.pixels = None
        if tuple(pixels.shape[-2:]) != size:
            raise GenerationFailed(
                f"{self.drawn_by} drew {tuple(pixels.shape[-2:])} pixels (height, width) where "
                f"{size} were asked for; ask for another width and height"
            )
        if not bool(torch.isfinite(pixels).all()):
            raise GenerationFailed(
                f"decoding produced NaN in {self.dtype}{_suspects(canvas)}",
                overflowed=str(self.dtype),
            )
        # Conversion to bytes on the device makes the copy from it a quarter as large.
        levels = (pixels.permute(0, 2, 3, 1) * 255).round().to(torch.uint8).contiguous()
        canvas.rasters = [
            Raster(self.width, self.height, one.tobytes()) for one in levels.cpu().numpy()
        ]


def _suspects(canvas: Canvas) -> str:
    """Return what a message says of add-ons, which may be what took the numbers out of range."""
    requests = [drawing.request for drawing in canvas.drawings]
    if any(each.loras for each in requests):
        return " with the LoRAs of the request; lower their scales, or leave them out"
    if any(each.embeddings or each.controls or each.vae_id for each in requests):
        return " with the add-ons of the request; leave them out one by one"
    return ""


class Crop(Stage):
    """Crops each picture around its centre to the size that its request asks for.

    Attributes:
        is_last: Whether a second pass, if there is one, has drawn it.
    """

    def __init__(self, *, is_last: bool = True) -> None:
        self.is_last = is_last

    def __call__(self, canvas: Canvas, progress: Progress) -> None:
        """Replace `canvas.rasters`."""
        canvas.rasters = [
            raster.centre(*self._size(drawing.request))
            for drawing, raster in zip(canvas.drawings, canvas.rasters, strict=True)
        ]

    def _size(self, request: GenerationRequest) -> tuple[int, int]:
        if self.is_last:
            size = request.last_size
            return size.width, size.height
        return request.width, request.height
