"""Train the LoRA on blueprints.

    python -m tools.demo_companions.train_style --folder F

Resumes from `<folder>/style.pt`.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import torch
from diffusers import UNet2DConditionModel
from torch import Tensor
from transformers import CLIPTextModel

from tools.demo_checkpoint.captions.captions import caption
from tools.demo_checkpoint.captions.tokens import tokenize
from tools.demo_checkpoint.networks import device
from tools.demo_checkpoint.training.noise import Noise
from tools.demo_checkpoint.training.progress import run_stage
from tools.demo_companions.lessons import Course, Lessons, frozen_checkpoint, run_steps
from tools.demo_companions.low_rank import LowRank
from tools.demo_companions.prepare import CHECKPOINT

__all__ = ["TRIGGER", "main", "train"]

TRIGGER: Final = "blueprint"

# Half of the strength is a lesson of its own. Otherwise it is left to chance: the picture is plain
# up to some strength, and then a blueprint.
_HALF_SHARE: Final = 0.4
# With guidance the picture is the difference to the empty prompt, which has to be in the style too.
_EMPTY_SHARE: Final = 0.25
_TRIGGER_SHARE: Final = 0.7


def _captions(lessons: Lessons, chosen: np.ndarray, rng: np.random.Generator) -> list[str]:
    found = []
    for number in chosen:
        text = "" if rng.random() < _EMPTY_SHARE else caption(lessons.scenes[number], rng)
        if text and rng.random() < _TRIGGER_SHARE:
            text = f"{TRIGGER} of {text}" if rng.random() < 0.5 else f"{text}, {TRIGGER}"
        found.append(text)
    return found


def _predict(
    unet: UNet2DConditionModel, text_encoder: CLIPTextModel, tokens: Tensor
) -> partial[Tensor]:
    def predict(noisy: Tensor, times: Tensor, tokens: Tensor) -> Tensor:
        states = text_encoder(tokens).last_hidden_state
        predicted: Tensor = unet(noisy, times, states).sample
        return predicted

    return partial(predict, tokens=tokens)


def train(folder: Path, *, steps: int, peak: float, seed: int, small_share: float) -> None:
    """Train for `steps` in all, the first `small_share` of them on small pictures."""
    pipeline = frozen_checkpoint(CHECKPOINT)
    unet, text_encoder = pipeline.unet, pipeline.text_encoder
    torch.manual_seed(seed)
    changes = LowRank(unet, text_encoder).to(device())
    noise = Noise.on(device())
    scale = pipeline.vae.config.scaling_factor
    course = Course(folder, scale, steps=steps, small_share=small_share)

    def loss_of(step: int, rng: np.random.Generator) -> Tensor:
        lessons, count = course.at(step)
        chosen = rng.integers(len(lessons.scenes), size=count)
        is_half = rng.random() < _HALF_SHARE
        changes.scale = 0.5 if is_half else 1.0
        tokens = tokenize(_captions(lessons, chosen, rng)).to(device())
        latents = lessons.latents("half" if is_half else "full", chosen)
        return noise.loss(_predict(unet, text_encoder, tokens), latents)

    run_steps(folder, "style", changes, loss_of, steps=steps, peak=peak, seed=seed)


def main() -> None:
    """Read the command line and train."""
    run_stage(train, __doc__, steps=1200, peak=2e-3, seed=32, small_share=0.6)


if __name__ == "__main__":
    main()
