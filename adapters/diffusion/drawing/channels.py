"""The further channels of a UNet, for the drawings of a request."""

from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch

from adapters.diffusion.additions.mask import mask_addition
from adapters.diffusion.drawing.denoising import Addition
from adapters.diffusion.drawing.drawing_context import DrawingContext
from adapters.diffusion.drawing.stages import Canvas
from adapters.diffusion.pipeline import StableDiffusion
from domain.checkpoints.families import INPAINTING_CHANNELS
from domain.generation.request import GenerationRequest

__all__ = ["channel_additions"]


def channel_additions(
    context: DrawingContext[StableDiffusion], request: GenerationRequest
) -> tuple[Addition, ...]:
    """Return what the pipeline's UNet needs beside the latents, for the drawings of a request."""
    if context.pipeline.unet.config.in_channels == INPAINTING_CHANNELS:
        return (_WholePicture(context),)
    return ()


@dataclass(frozen=True, slots=True)
class _WholePicture:
    """A mask of the whole picture, for an inpainting UNet that draws from text alone."""

    context: DrawingContext[StableDiffusion]

    def __call__(self, canvas: Canvas) -> AbstractContextManager[None]:
        """Return the block of a drawing."""
        pipeline = self.context.pipeline
        grey = self.context.memory.grey.like(canvas.latents, pipeline.vae)
        return mask_addition(pipeline.unet, torch.ones_like(grey[:, :1]), grey)
