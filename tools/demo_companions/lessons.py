"""The prepared pictures as training batches, and what every training here shares."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import torch
from diffusers import StableDiffusionPipeline
from diffusers.models.attention_processor import AttnProcessor
from numpy.typing import NDArray

from tools.demo_checkpoint.loading import load_pipeline
from tools.demo_checkpoint.networks import device, parameter_count
from tools.demo_checkpoint.pictures import Scene
from tools.demo_checkpoint.training.encode import scene_from_json
from tools.demo_checkpoint.training.progress import (
    Average,
    learning_rate,
    load_state,
    save_state,
    start_log,
)

__all__ = ["Course", "Lessons", "frozen_checkpoint", "run_steps"]

SMALL: Final = 128
LARGE: Final = 256
BATCH: Final = 16
"""Pictures of SMALL pixels a side in a batch; larger ones are fewer."""
_SAVE_EVERY: Final = 50


@dataclass(frozen=True, slots=True)
class Lessons:
    """The prepared pictures of one size, in memory."""

    arrays: dict[str, NDArray[np.generic]]
    scenes: list[Scene]
    concepts: list[Scene]
    scale: float
    """What the latents are multiplied with, so that their standard deviation is 1."""

    @classmethod
    def of(cls, folder: Path, side: int, scale: float) -> Lessons:
        """Read the parts of one size.

        Raises FileNotFoundError if there are none.
        """
        parts = [np.load(path) for path in sorted(folder.glob(f"part-{side}-*.npz"))]
        if not parts:
            raise FileNotFoundError(
                f"{folder} has no pictures of {side} pixels; run tools.demo_companions.prepare"
            )
        names = ("plain", "half", "full", "concept", "maps")
        arrays = {name: np.concatenate([part[name] for part in parts]) for name in names}
        scenes, concepts = (
            [scene_from_json(each) for part in parts for each in json.loads(part[name].tobytes())]
            for name in ("scenes", "concepts")
        )
        return cls(arrays, scenes, concepts, scale)

    def latents(self, name: str, chosen: NDArray[np.int64]) -> torch.Tensor:
        """Return the latents `plain`, `half`, `full` or `concept` of the chosen pictures."""
        return torch.from_numpy(self.arrays[name][chosen]).float() * self.scale

    def maps(self, chosen: NDArray[np.int64]) -> torch.Tensor:
        """Return the outline maps of the chosen pictures: (pictures, 3, side, side), 0 or 1."""
        bits = np.unpackbits(self.arrays["maps"][chosen], axis=-1)
        return torch.from_numpy(bits).float()[:, None].expand(-1, 3, -1, -1)


class Course:
    """Small pictures first, where a step costs a quarter for each picture; then large ones."""

    def __init__(self, folder: Path, scale: float, *, steps: int, small_share: float) -> None:
        self._folder, self._scale = folder, scale
        self._small_steps = small_share * steps
        self._read: dict[int, Lessons] = {}

    def at(self, step: int) -> tuple[Lessons, int]:
        """Return the pictures of a step, and how many of them are in a batch."""
        side = SMALL if step < self._small_steps else LARGE
        if side not in self._read:
            self._read = {side: Lessons.of(self._folder, side, self._scale)}
        return self._read[side], BATCH * SMALL**2 // side**2


def frozen_checkpoint(path: Path) -> StableDiffusionPipeline:
    """Load the checkpoint for a training that does not change it."""
    pipeline = load_pipeline(path)
    for part in (pipeline.unet, pipeline.text_encoder, pipeline.vae):
        part.requires_grad_(False).to(device())
    pipeline.unet.to(memory_format=torch.channels_last)
    # PyTorch's fused attention has a slow backward pass on a CPU.
    pipeline.unet.set_attn_processor(AttnProcessor())
    return pipeline


@dataclass(slots=True)
class _Progress:
    began: float = field(default_factory=time.monotonic)
    running: float = 0.0


def run_steps(
    folder: Path,
    name: str,
    model: torch.nn.Module,
    loss_of: Callable[[int, np.random.Generator], torch.Tensor],
    *,
    steps: int,
    peak: float,
    seed: int,
    decay: float = 0.99,
) -> None:
    """Train `model` for `steps` in all, continuing from `<folder>/<name>.pt`.

    `loss_of` takes the number of the step and a random generator. The state has the averaged
    weights under `average`.
    """
    log = start_log(folder, f"train_{name}")
    where = device()
    torch.manual_seed(seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=peak, weight_decay=1e-3, betas=(0.9, 0.99))
    average, first = Average(model, decay), 0
    if state := load_state(folder / f"{name}.pt"):
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        average.weights = {key: value.to(where) for key, value in state["average"].items()}
        first = state["step"]
    torch.manual_seed(seed + first)
    rng = np.random.default_rng([seed, first])
    log.info("%s: %d parameters, steps %d to %d", name, parameter_count(model), first, steps)
    progress = _Progress()
    for step in range(first, steps):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, steps, peak)
        loss = loss_of(step, rng)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        average.update(model, step)
        progress.running += loss.item()
        done = step + 1
        if done % _SAVE_EVERY == 0 or done == steps:
            seconds = (time.monotonic() - progress.began) / (done - first)
            mean = progress.running / ((done - first - 1) % _SAVE_EVERY + 1)
            log.info("step %d loss %.4f %.3f s/step", done, mean, seconds)
            progress.running = 0.0
            save_state(
                folder / f"{name}.pt",
                {
                    "model": model.state_dict(),
                    "optimizer": optimizer.state_dict(),
                    "average": average.weights,
                    "step": done,
                },
            )
