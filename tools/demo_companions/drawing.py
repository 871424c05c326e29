"""Draw with the companions by diffusers alone, as a reference for the service."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import (
    ControlNetModel,
    DPMSolverMultistepScheduler,
    StableDiffusionControlNetPipeline,
    StableDiffusionPipeline,
)
from numpy.typing import NDArray
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor

from tools.demo_checkpoint.loading import load_pipeline
from tools.demo_checkpoint.networks import device
from tools.demo_companions.low_rank import changed_modules

__all__ = ["Drawer", "Wanted", "changes_of", "load_controlnet"]

_BATCH = 4


@dataclass(frozen=True, slots=True)
class Wanted:
    """A picture to draw."""

    prompt: str
    seed: int
    map: NDArray[np.bool_] | None = None
    """Outlines to follow, (height, width)."""


def changes_of(path: Path) -> dict[str, Tensor]:
    """Return what a LoRA file adds to the weight of each module at a scale of 1, in float32."""
    weights = {name: value.float() for name, value in load_file(path).items()}
    changes = {}
    for name, down in weights.items():
        module, _, kind = name.partition(".")
        if kind == "lora_down.weight":
            up = weights[f"{module}.lora_up.weight"]
            alpha = weights[f"{module}.alpha"]
            product = up.flatten(1) @ down.flatten(1)
            changes[module] = alpha / len(down) * product.reshape(len(up), *down.shape[1:])
    return changes


def load_controlnet(path: Path, dtype: torch.dtype) -> ControlNetModel:
    """Load a ControlNet whose configuration is in its metadata."""
    with safe_open(path, "pt") as file:
        config = json.loads(file.metadata()["config.json"])
    model: ControlNetModel = ControlNetModel.from_config(config)
    model.load_state_dict(load_file(path))
    return model.to(device(), dtype)


class Drawer:
    """The demo checkpoint, and the companions in one folder with it."""

    def __init__(self, checkpoint: Path, dtype: torch.dtype) -> None:
        self.dtype = dtype
        self._pipeline = load_pipeline(checkpoint, dtype).to(device())
        self._pipeline.scheduler = DPMSolverMultistepScheduler.from_config(
            self._pipeline.scheduler.config, algorithm_type="dpmsolver++", solver_order=2
        )

    @contextmanager
    def with_lora(self, path: Path, scale: float) -> Iterator[None]:
        """Apply a LoRA while the context lasts."""
        modules = dict(changed_modules(self._pipeline.unet, self._pipeline.text_encoder))
        changes = changes_of(path)
        before = {name: modules[name].weight.data for name in changes}
        for name, change in changes.items():
            kept = before[name]
            modules[name].weight.data = (kept.float() + scale * change).to(kept.dtype)
        try:
            yield
        finally:
            for name, kept in before.items():
                modules[name].weight.data = kept

    def learn(self, path: Path, token: str) -> None:
        """Let a word stand for the vectors of an embedding."""
        vectors = load_file(path)["emb_params"]
        self._pipeline.load_textual_inversion({token: vectors}, token=token)

    def draw(
        self,
        wanted: list[Wanted],
        *,
        controlnet: ControlNetModel | None = None,
        scale: float = 1.0,
        steps: int = 20,
        size: int = 256,
    ) -> list[Image.Image]:
        """Draw pictures of `size` pixels a side, with guidance 7.5."""
        pipeline: StableDiffusionPipeline = self._pipeline
        if controlnet is not None:
            pipeline = StableDiffusionControlNetPipeline(
                **self._pipeline.components, controlnet=controlnet, requires_safety_checker=False
            )
            pipeline.set_progress_bar_config(disable=True)
        pictures: list[Image.Image] = []
        for start in range(0, len(wanted), _BATCH):
            some = wanted[start : start + _BATCH]
            more = {}
            if controlnet is not None:
                maps = [
                    np.repeat(each.map[..., None], 3, -1) for each in some if each.map is not None
                ]
                images = [Image.fromarray(each.astype(np.uint8) * 255) for each in maps]
                more = {"image": images, "controlnet_conditioning_scale": scale}
            pictures += pipeline(
                [each.prompt for each in some],
                generator=[torch.Generator("cpu").manual_seed(each.seed) for each in some],
                width=size,
                height=size,
                num_inference_steps=steps,
                **more,
            ).images
        return pictures
