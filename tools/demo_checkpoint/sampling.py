"""Draw with an exported checkpoint as the service does: guided DPM-Solver++ 2M, a seed each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from diffusers import DPMSolverMultistepScheduler
from PIL import Image

from tools.demo_checkpoint.loading import load_pipeline
from tools.demo_checkpoint.networks import device

__all__ = ["Order", "Sampler"]

# Pictures drawn at once, at 256x256; fewer if they are larger.
_BATCH: Final = 4


@dataclass(frozen=True, slots=True)
class Order:
    """One picture to draw."""

    prompt: str
    seed: int
    negative: str = ""
    width: int = 256
    height: int = 256
    guidance: float = 7.5
    steps: int = 20


class Sampler:
    """A loaded checkpoint."""

    def __init__(self, checkpoint: Path, dtype: torch.dtype) -> None:
        pipeline = load_pipeline(checkpoint, dtype).to(device())
        pipeline.unet.to(memory_format=torch.channels_last)
        pipeline.vae.to(memory_format=torch.channels_last)
        pipeline.scheduler = DPMSolverMultistepScheduler.from_config(
            pipeline.scheduler.config, algorithm_type="dpmsolver++", solver_order=2
        )
        self._pipeline = pipeline

    def draw(self, orders: list[Order]) -> list[Image.Image]:
        """Draw the orders, in their order; they must agree in everything but prompts and seeds."""
        first = orders[0]
        batch = max(1, _BATCH * 256 * 256 // (first.width * first.height))
        pictures: list[Image.Image] = []
        for start in range(0, len(orders), batch):
            some = orders[start : start + batch]
            pictures += self._pipeline(
                [order.prompt for order in some],
                negative_prompt=[order.negative for order in some],
                generator=[torch.Generator("cpu").manual_seed(order.seed) for order in some],
                width=first.width,
                height=first.height,
                guidance_scale=first.guidance,
                num_inference_steps=first.steps,
            ).images
        return pictures
