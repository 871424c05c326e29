"""Finished pictures to larger ones, with an upscaler model."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from adapters.diffusion.drawing.drawing_context import DrawingContext
from adapters.diffusion.drawing.progress import Progress
from adapters.diffusion.drawing.stages.stage import Canvas, Stage
from domain.generation.parts import Upscale
from domain.generation.request import GenerationRequest
from domain.sizes import Size

__all__ = ["Upscaling", "UpscalingTo", "upscaling_stages"]


@dataclass(frozen=True, slots=True)
class Upscaling(Stage):
    """Enlarges each finished picture.

    Attributes:
        context: The pipeline and its surroundings.
        upscale: The upscaler, and the scale.
    """

    context: DrawingContext[Any]
    upscale: Upscale

    def __call__(self, canvas: Canvas, progress: Progress) -> None:
        """Replace `canvas.rasters`.

        Raises:
            GenerationFailed: Computing produces NaN.
            MemoryError: The smallest tile does not fit. torch may raise its own error for it.
        """
        upscaler = self.context.upscalers[self.upscale.model_id]
        canvas.rasters = [
            self.context.upscaling.enlarge_by(
                raster, upscaler, self.upscale.scale, tick=progress.still_working
            )
            for raster in canvas.rasters
        ]


@dataclass(frozen=True, slots=True)
class UpscalingTo(Stage):
    """Enlarges each picture to an exact size, between two passes.

    Attributes:
        context: The pipeline and its surroundings.
        model_id: The upscaler.
        size: The size afterwards.
    """

    context: DrawingContext[Any]
    model_id: str
    size: Size

    def __call__(self, canvas: Canvas, progress: Progress) -> None:
        """Replace `canvas.rasters`. It raises what `Upscaling` raises."""
        upscaler = self.context.upscalers[self.model_id]
        canvas.rasters = [
            self.context.upscaling.enlarge_to(
                raster, upscaler, self.size, tick=progress.still_working
            )
            for raster in canvas.rasters
        ]


def upscaling_stages(context: DrawingContext[Any], request: GenerationRequest) -> Iterator[Stage]:
    """Yield the stage that a request asks for, to stand after all others."""
    if request.upscale is not None:
        yield Upscaling(context, request.upscale)
