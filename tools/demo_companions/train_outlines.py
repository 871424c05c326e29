"""Train the ControlNet to follow outlines.

    python -m tools.demo_companions.train_outlines --folder F

Resumes from `<folder>/outlines.pt`.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import torch
from diffusers import ControlNetModel, UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor
from torch import Tensor

from tools.demo_checkpoint.captions.captions import caption
from tools.demo_checkpoint.captions.tokens import tokenize
from tools.demo_checkpoint.networks import device
from tools.demo_checkpoint.pictures import Scene
from tools.demo_checkpoint.scenes.flat_scenes import FlatScene
from tools.demo_checkpoint.training.noise import Noise
from tools.demo_checkpoint.training.progress import run_stage
from tools.demo_companions.lessons import Course, frozen_checkpoint, run_steps
from tools.demo_companions.prepare import CHECKPOINT

__all__ = ["main", "new_controlnet", "train"]


# Channels of the layers that read the map. diffusers' default (16, 32, 96, 256) has 460,000
# weights, a seventh of the file; a map of two values needs fewer.
_MAP_CHANNELS: Final = (16, 24, 32, 48)
# Without a caption the map alone tells what to draw. So it is not ignored.
_EMPTY_SHARE: Final = 0.3
# The same is true where only the map tells the place and the size of a shape.
_PLACELESS_SHARE: Final = 0.7


def new_controlnet(unet: UNet2DConditionModel) -> ControlNetModel:
    """Return a ControlNet that begins as a copy of the denoiser's encoder, and changes nothing."""
    model: ControlNetModel = ControlNetModel.from_unet(
        unet, conditioning_embedding_out_channels=_MAP_CHANNELS
    )
    model.requires_grad_(True)
    return model


def _caption(scene: Scene, rng: np.random.Generator) -> str:
    if rng.random() < _EMPTY_SHARE:
        return ""
    if isinstance(scene, FlatScene) and rng.random() < _PLACELESS_SHARE:
        scene = replace(scene, place="centre", size="medium")
    return caption(scene, rng)


def train(folder: Path, *, steps: int, peak: float, seed: int, small_share: float) -> None:
    """Train for `steps` in all, the first `small_share` of them on small pictures."""
    pipeline = frozen_checkpoint(CHECKPOINT)
    unet, text_encoder = pipeline.unet, pipeline.text_encoder
    torch.manual_seed(seed)
    model = new_controlnet(unet).to(device(), memory_format=torch.channels_last)
    model.set_attn_processor(AttnProcessor())
    noise = Noise.on(device())
    scale = pipeline.vae.config.scaling_factor
    course = Course(folder, scale, steps=steps, small_share=small_share)

    def loss_of(step: int, rng: np.random.Generator) -> Tensor:
        lessons, count = course.at(step)
        chosen = rng.integers(len(lessons.scenes), size=count)
        captions = [_caption(lessons.scenes[number], rng) for number in chosen]
        with torch.no_grad():
            states = text_encoder(tokenize(captions).to(device())).last_hidden_state
        maps = lessons.maps(chosen).to(device())

        def predict(noisy: Tensor, times: Tensor) -> Tensor:
            down, mid = model(noisy, times, states, controlnet_cond=maps, return_dict=False)
            predicted: Tensor = unet(
                noisy,
                times,
                states,
                down_block_additional_residuals=down,
                mid_block_additional_residual=mid,
            ).sample
            return predicted

        return noise.loss(predict, lessons.latents("plain", chosen))

    run_steps(folder, "outlines", model, loss_of, steps=steps, peak=peak, seed=seed)


def main() -> None:
    """Read the command line and train."""
    run_stage(train, __doc__, steps=3000, peak=6e-4, seed=33, small_share=0.75)


if __name__ == "__main__":
    main()
