"""Latents of Stable Diffusion 1, 2 and XL to pixels."""

from dataclasses import dataclass

import torch

from adapters.diffusion.drawing.drawing_context import DrawingContext
from adapters.diffusion.drawing.progress import Progress
from adapters.diffusion.drawing.stages.autoencoder import Autoencoding, precision_of, unscaled
from adapters.diffusion.drawing.stages.stage import Canvas, Stage
from adapters.diffusion.pipeline import StableDiffusion

__all__ = ["Decoding"]

_TILED = (
    "memory was short, so the picture was decoded in tiles, which changes it a little; "
    "ask for a smaller one to have it whole"
)


@dataclass(frozen=True, slots=True)
class Decoding(Stage):
    """Latents to pixels, in tiles if memory is short."""

    context: DrawingContext[StableDiffusion]

    def __call__(self, canvas: Canvas, progress: Progress) -> None:
        """Replace `canvas.latents` by `canvas.pixels`, in float32.

        Raises:
            OutOfMemory: It does not fit, and the plan allows no tiles.
        """
        latents, vae = canvas.latents, self.context.pipeline.vae

        def run() -> torch.Tensor:
            given = unscaled(vae, latents.to(precision_of(vae)))
            pixels: torch.Tensor = vae.decode(given, return_dict=False)[0]
            return pixels

        pixels = Autoencoding(
            self.context,
            run,
            height=latents.shape[-2],
            width=latents.shape[-1],
            verb="decoding",
            whole_failed="the picture is drawn, and decoding it as a whole",
            in_tiles=_TILED,
        )(latents, canvas.warn)
        canvas.latents = None
        canvas.pixels = (pixels.float() * 0.5 + 0.5).clamp(0, 1)
