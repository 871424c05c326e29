"""Inpainting with an ordinary checkpoint: what is outside the mask stays."""

from dataclasses import dataclass, field

import torch

from adapters.diffusion.drawing.pictures.source import SizedSource
from adapters.diffusion.drawing.progress import Progress
from adapters.diffusion.drawing.stages.addition import Addition
from adapters.diffusion.drawing.stages.denoising import new_noise
from adapters.diffusion.drawing.stages.stage import Canvas, Stage
from adapters.diffusion.sampling import LastSteps

__all__ = ["KeepOutside", "PutBack"]


@dataclass
class KeepOutside(Addition):
    """Puts the latents outside the mask back after each evaluation of the network.

    They get the noise of the next evaluation, as in `StableDiffusionInpaintPipeline` of diffusers.
    It is the noise that the drawing began with.
    """

    source: SizedSource
    _kept: torch.Tensor | None = field(default=None, init=False, repr=False)
    _cells: torch.Tensor | None = field(default=None, init=False, repr=False)

    def prepare(self, canvas: Canvas) -> None:
        """Keep the latents without noise."""
        self._kept = canvas.latents.float()
        self._cells = torch.from_numpy(self.source.cells).to(self._kept.device)
        # diffusers samples the masked picture for every model, although only a model with nine
        # channels reads it. The noise of later steps is that of diffusers only after this sample.
        new_noise(canvas, tuple(self._kept.shape[1:]))

    def evaluated(
        self, canvas: Canvas, latents: torch.Tensor, evaluations: int, scheduler: LastSteps
    ) -> torch.Tensor:
        """Return `latents` below the mask, and those that were kept elsewhere."""
        mixture = scheduler.mixture_after(evaluations)
        assert self._kept is not None  # noqa: S101 - `prepare` comes first
        outside = mixture.picture * self._kept + mixture.noise * canvas.noise
        return torch.where(self._cells, latents, outside.to(latents.dtype))


@dataclass(frozen=True, slots=True)
class PutBack(Stage):
    """Pixels to pixels: puts what was drawn into the initial image."""

    source: SizedSource

    def __call__(self, canvas: Canvas, progress: Progress) -> None:
        """Replace `canvas.rasters`, whose size is that of the source."""
        canvas.rasters = [self.source.put_back(raster) for raster in canvas.rasters]
