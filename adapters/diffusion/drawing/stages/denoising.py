"""Latents to latents: the steps of a Stable Diffusion pipeline."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import torch

from adapters.diffusion.drawing.borrowed_pipeline import scheduled_by
from adapters.diffusion.drawing.drawing_context import DrawingContext
from adapters.diffusion.drawing.progress import Progress
from adapters.diffusion.drawing.prompts.conditions import Conditions
from adapters.diffusion.drawing.stages.addition import Addition
from adapters.diffusion.drawing.stages.stage import Canvas, Stage
from adapters.diffusion.pipeline import StableDiffusion
from adapters.diffusion.sampling import LastSteps
from domain.samplers import Scheduler
from domain.sizes import Size

__all__ = ["Denoising", "NoiseStart", "new_noise"]


def new_noise(canvas: Canvas, shape: tuple[int, ...]) -> torch.Tensor:
    """Return standard normal noise (n, *shape) on the CPU, from the generator of each image.

    It is always drawn in float32, so that a seed means the same in every precision.
    """
    return torch.cat(
        [torch.randn((1, *shape), generator=generator) for generator in canvas.generators]
    )


@dataclass(frozen=True, slots=True)
class NoiseStart(Stage):
    """Text to latents: noise, which the steps turn into a picture."""

    context: DrawingContext[StableDiffusion]
    size: Size
    multiplier: float = 1.0
    """The factor of the noise."""

    def __call__(self, canvas: Canvas, progress: Progress) -> None:
        """Set `canvas.latents` to (n, channels, height / 8, width / 8)."""
        pipeline, device = self.context.pipeline, self.context.device
        scale = pipeline.vae_scale_factor
        channels = pipeline.unet.config.out_channels  # a UNet may take further channels
        shape = (channels, self.size.height // scale, self.size.width // scale)
        noise = self.multiplier * new_noise(canvas, shape)
        canvas.latents = noise.to(device.torch_device, device.dtype)


@dataclass(frozen=True, slots=True, kw_only=True)
class Denoising(Stage):
    """Latents to latents, by a call of the pipeline.

    Attributes:
        context: The pipeline and its surroundings.
        conditions: What to draw: the prompts of each step.
        size: Pixels that are drawn.
        guidance_scale: Classifier-free guidance.
        num_inference_steps: The steps of the whole schedule.
        scheduler: The name of the scheduler; None for the model's own.
        last_steps: The steps that run, at the end of the schedule. The latents then hold a picture,
            and get the noise of the first of these steps. None for latents that are noise: all
            steps run.
        from_noise: Whether the steps begin with noise alone, although the latents hold a picture.
        noise_multiplier: The factor of the noise that the latents of a picture get.
        additions: What changes the call, in order.
    """

    context: DrawingContext[StableDiffusion]
    conditions: Conditions
    size: Size
    guidance_scale: float
    num_inference_steps: int
    scheduler: Scheduler | None
    last_steps: int | None = None
    from_noise: bool = False
    noise_multiplier: float = 1.0
    additions: tuple[Addition, ...] = ()

    @property
    def steps(self) -> int:
        """The denoising steps that run."""
        return self.num_inference_steps if self.last_steps is None else self.last_steps

    def __call__(self, canvas: Canvas, progress: Progress) -> None:
        """Replace `canvas.latents` by those after the last step."""
        if self.last_steps == 0:
            return
        schedulers = self.context.memory.schedulers
        scheduler: Any
        if self.last_steps is None:
            scheduler = schedulers.new(self.scheduler, self.num_inference_steps)
            self._prepare(canvas)
        else:
            first = self.num_inference_steps - self.last_steps
            scheduler = schedulers.from_step(self.scheduler, self.num_inference_steps, first)
            self._add_noise(canvas, scheduler)
        canvas.still_working = progress.still_working
        with ExitStack() as stack:
            for addition in self.additions:
                stack.enter_context(addition.applied(canvas))
            stack.enter_context(scheduled_by(self.context.pipeline, scheduler))
            canvas.latents = self._called(canvas, self._step_end(canvas, progress, scheduler))
        progress.stage_done(self.steps)

    def _add_noise(self, canvas: Canvas, scheduler: LastSteps) -> None:
        clean = canvas.latents.float()
        noise = new_noise(canvas, tuple(clean.shape[1:])).to(clean.device)
        canvas.noise = noise
        self._prepare(canvas)
        noise = self.noise_multiplier * noise
        if self.from_noise:
            noisy = noise * scheduler.scheduler.init_noise_sigma
        else:
            mixture = scheduler.mixture_after(0)
            noisy = mixture.picture * clean + mixture.noise * noise
        canvas.latents = noisy.to(self.context.device.dtype)

    def _prepare(self, canvas: Canvas) -> None:
        for addition in self.additions:
            addition.prepare(canvas)

    def _step_end(self, canvas: Canvas, progress: Progress, scheduler: Any) -> Callable[..., Any]:
        def step_end(_pipeline: Any, index: int, _time: Any, tensors: Any) -> dict[str, Any]:
            latents = tensors["latents"]
            for addition in self.additions:
                latents = addition.evaluated(canvas, latents, index + 1, scheduler)
            progress.evaluated(index + 1, latents)
            return {"latents": latents, **self._changed(scheduler.steps_done(index + 1))}

        return step_end

    def _changed(self, done: int | None) -> Mapping[str, torch.Tensor]:
        """Return the prompts of the next step if they change, after so many steps.

        Both evaluations of a step see the same prompts, so nothing changes in its middle.
        """
        if done is None or not 0 < done < self.steps:
            return {}
        return self.conditions.changed(done + 1)

    def _called(self, canvas: Canvas, step_end: Callable[..., Any]) -> torch.Tensor:
        latents: torch.Tensor = self.context.pipeline(
            **self.conditions.first(),
            latents=canvas.latents,
            # Some schedulers add noise at each step.
            generator=list(canvas.generators),
            width=self.size.width,
            height=self.size.height,
            num_inference_steps=self.num_inference_steps,
            guidance_scale=self.guidance_scale,
            callback_on_step_end=step_end,
            output_type="latent",
        ).images
        return latents
