"""The pipelines of diffusers, as far as this adapter uses them.

diffusers has no types that mypy can read here. These protocols name what is used, so that the type
checker finds a wrong name, and a reader finds what a new kind of pipeline needs.
"""

from collections.abc import Mapping
from typing import Any, Protocol, TypeGuard

import torch
from diffusers import StableDiffusionPipeline, StableDiffusionXLPipeline

__all__ = ["STABLE_DIFFUSION", "Pipeline", "StableDiffusion", "is_stable_diffusion"]

STABLE_DIFFUSION = (StableDiffusionPipeline, StableDiffusionXLPipeline)
"""The classes that this service encodes, samples and decodes for. It leaves the others alone."""


class Pipeline(Protocol):
    """Any pipeline that draws.

    Attributes:
        scheduler: The sampler of the model's authors.
        vae: Turns latents into pixels.
    """

    scheduler: Any
    vae: Any

    @property
    def components(self) -> Mapping[str, Any]:
        """Networks, tokenizers and the scheduler, by name."""

    @property
    def _execution_device(self) -> torch.device: ...

    def __call__(self, **arguments: Any) -> Any:
        """Draw. The images are in the attribute `images` of what this returns."""

    def to(self, device: torch.device) -> Any:
        """Move every network to a device."""

    def set_progress_bar_config(self, **options: Any) -> None:
        """Configure the bar in the terminal."""

    def enable_attention_slicing(self) -> None:
        """Attend to one slice of the heads after the other."""

    def enable_model_cpu_offload(self, *, device: torch.device) -> None:
        """Let networks wait in the host's memory for their turn."""

    def maybe_free_model_hooks(self) -> None:
        """Send the networks that wait elsewhere back there."""


class StableDiffusion(Pipeline, Protocol):
    """A pipeline of Stable Diffusion 1, 2 or XL.

    Attributes:
        unet: Predicts the noise.
        tokenizer: Of the first text encoder.
        text_encoder: Reads the prompt.
        tokenizer_2: Of the second text encoder; XL alone has it.
        text_encoder_2: Reads the prompt too; XL alone has it.
        config: The options of the pipeline.
        vae_scale_factor: Pixels on each side of a latent.
    """

    unet: Any
    tokenizer: Any
    text_encoder: Any
    tokenizer_2: Any
    text_encoder_2: Any
    config: Any
    vae_scale_factor: int


def is_stable_diffusion(pipeline: Pipeline) -> TypeGuard[StableDiffusion]:
    """Whether this service encodes, samples and decodes for the pipeline."""
    return isinstance(pipeline, STABLE_DIFFUSION)
