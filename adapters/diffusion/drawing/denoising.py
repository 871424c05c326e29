"""Latents to latents: the steps of a Stable Diffusion pipeline."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from adapters.diffusion.drawing.borrowed_pipeline import scheduled_by
from adapters.diffusion.drawing.drawing_context import DrawingContext
from adapters.diffusion.drawing.progress import Progress
from adapters.diffusion.drawing.stages import Canvas, Stage
from adapters.diffusion.pipeline import StableDiffusion

__all__ = ["Denoising", "NoiseStart"]


@dataclass(frozen=True, slots=True)
class NoiseStart(Stage):
    """Text to latents: standard normal noise, which the steps turn into a picture.

    The noise is always drawn in float32, so that a seed means the same in every precision.
    """

    context: DrawingContext[StableDiffusion]
    width: int
    height: int

    def __call__(self, canvas: Canvas, progress: Progress) -> None:
        """Set `canvas.latents` to (n, channels, height / 8, width / 8)."""
        pipeline, device = self.context.pipeline, self.context.device
        scale = pipeline.vae_scale_factor
        channels = pipeline.unet.config.in_channels
        shape = (1, channels, self.height // scale, self.width // scale)
        noise = [torch.randn(shape, generator=generator) for generator in canvas.generators]
        canvas.latents = torch.cat(noise).to(device.torch_device, device.dtype)


@dataclass(frozen=True, slots=True)
class Denoising(Stage):
    """Latents to latents, by a call of the pipeline.

    Attributes:
        context: The pipeline and its surroundings.
        conditions: The arguments that say what to draw: the prompts.
        width: Pixels that are drawn.
        height: Pixels that are drawn.
        guidance_scale: Classifier-free guidance.
        num_inference_steps: The steps of the whole schedule.
        new_scheduler: Makes the scheduler. A scheduler keeps the state of a drawing, so each call
            has its own.
    """

    context: DrawingContext[StableDiffusion]
    conditions: Mapping[str, torch.Tensor]
    width: int
    height: int
    guidance_scale: float
    num_inference_steps: int
    new_scheduler: Callable[[], Any]

    @property
    def steps(self) -> int:
        """The denoising steps that run."""
        return self.num_inference_steps

    def __call__(self, canvas: Canvas, progress: Progress) -> None:
        """Replace `canvas.latents` by those after the last step."""
        pipeline = self.context.pipeline
        with scheduled_by(pipeline, self.new_scheduler()):
            drawn = pipeline(
                **self.conditions,
                latents=canvas.latents,
                # Some schedulers add noise at each step.
                generator=list(canvas.generators),
                width=self.width,
                height=self.height,
                num_inference_steps=self.num_inference_steps,
                guidance_scale=self.guidance_scale,
                callback_on_step_end=progress,
                output_type="latent",
            )
        canvas.latents = drawn.images
        progress.stage_done(self.steps)
