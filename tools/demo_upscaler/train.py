"""Train the upscaler on crops of the prepared pairs.

    python -m tools.demo_upscaler.train --folder F

Resumes from `<folder>/upscaler.pt`.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from adapters.diffusion.upscaling.networks import CompactNetwork
from domain.checkpoints.upscalers import UpscalerArchitecture, UpscalerNetwork
from tools.demo_checkpoint.networks import autocast, device, parameter_count
from tools.demo_checkpoint.training.progress import (
    Average,
    learning_rate,
    load_state,
    run_stage,
    save_state,
    start_log,
)
from tools.demo_upscaler.pairs import SCALE

__all__ = ["FACTS", "Pairs", "main", "train"]

FACTS: Final = UpscalerNetwork(
    architecture=UpscalerArchitecture.COMPACT, scale=SCALE, features=32, blocks=6
)
CROP: Final = 48
"""Pixels on each side of a crop of a small picture."""
BATCH: Final = 12
SAVE_EVERY: Final = 100
SQUARED_WEIGHT: Final = 100.0
_CANDIDATES: Final = 3
_SLOPE: Final = 0.25
"""The slope below zero with which the activations begin."""

Pixels: TypeAlias = NDArray[np.uint8]


class Pairs:
    """The prepared pairs, and random crops of them."""

    def __init__(self, folder: Path) -> None:
        paths = sorted(folder.glob("pairs-*.npz"))
        if not paths:
            raise FileNotFoundError(f"{folder} has no pairs; run tools.demo_upscaler.prepare first")
        parts = [np.load(path) for path in paths]
        self._small = np.concatenate([part["small"] for part in parts])
        self._large = np.concatenate([part["large"] for part in parts])

    def __len__(self) -> int:
        return len(self._small)

    def crops(self, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """Return small crops (BATCH, 3, CROP, CROP) and the large ones of their places, 0 to 1.

        Each is the one with the most contrast of a few. Flat crops teach nothing.
        """
        small: list[Pixels] = []
        large: list[Pixels] = []
        for _ in range(BATCH):
            index, top, left = max(
                (self._place(rng) for _ in range(_CANDIDATES)), key=self._contrast
            )
            turns, flips = int(rng.integers(4)), bool(rng.integers(2))
            for pictures, crops, scale in ((self._small, small, 1), (self._large, large, SCALE)):
                rows = slice(top * scale, (top + CROP) * scale)
                columns = slice(left * scale, (left + CROP) * scale)
                turned = np.rot90(pictures[index, rows, columns], turns)
                crops.append(turned[:, ::-1] if flips else turned)
        return _tensor(small), _tensor(large)

    def _place(self, rng: np.random.Generator) -> tuple[int, int, int]:
        """Choose a picture, and the top and the left of a crop."""
        top, left = rng.integers(0, self._small.shape[1] - CROP + 1, size=2)
        return int(rng.integers(len(self))), int(top), int(left)

    def _contrast(self, place: tuple[int, int, int]) -> float:
        index, top, left = place
        return float(self._small[index, top : top + CROP, left : left + CROP].std())


def _tensor(crops: Sequence[Pixels]) -> torch.Tensor:
    stacked = torch.from_numpy(np.ascontiguousarray(np.stack(crops)))
    return stacked.permute(0, 3, 1, 2).float() / 255


def loss_of(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Squared and absolute error of the pixels, and of the differences of neighbours.

    The squared error has the larger weight. With absolute error alone, a training ended where it
    began: most pixels of a drawing are flat, where repeating each pixel has no error at all, so
    nothing was worth a small error there.
    """
    errors = [output - target]
    errors += [(output.diff(dim=side) - target.diff(dim=side)) for side in (-1, -2)]
    squared = sum((error.square().mean() for error in errors), torch.zeros(()))
    absolute = sum((error.abs().mean() for error in errors), torch.zeros(()))
    return SQUARED_WEIGHT * squared + absolute


def new_network() -> CompactNetwork:
    """Return the network with random weights that begins as the repetition of each pixel.

    torch's own choice makes the signal of each layer smaller than that of the layer before it.
    """
    model = CompactNetwork(FACTS)
    layers = [each for each in model.body if isinstance(each, torch.nn.Conv2d)]
    for layer in layers:
        torch.nn.init.kaiming_normal_(layer.weight, a=_SLOPE)
        torch.nn.init.zeros_(layer.bias)
    with torch.no_grad():
        layers[-1].weight *= 0.01
    return model


def train(folder: Path, *, steps: int, peak: float, seed: int) -> None:
    """Train for `steps` in all, continuing from the state in the folder."""
    log = start_log(folder, "train_upscaler")
    torch.manual_seed(seed)
    where = device()
    model = new_network().to(where, memory_format=torch.channels_last).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=peak, weight_decay=1e-4, betas=(0.9, 0.98))
    average = Average(model, 0.998)
    first = 0
    if state := load_state(folder / "upscaler.pt"):
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        average.weights = {name: value.to(where) for name, value in state["average"].items()}
        first = state["step"]
    pairs = Pairs(folder)
    log.info(
        "%d parameters, %d pairs, steps %d to %d on %s",
        *(parameter_count(model), len(pairs), first, steps, where),
    )
    rng = np.random.default_rng([seed, first])
    began, running = time.monotonic(), 0.0
    for step in range(first, steps):
        small, large = (
            tensor.to(where, memory_format=torch.channels_last) for tensor in pairs.crops(rng)
        )
        with autocast(where):
            output = model(small)
        loss = loss_of(output.float(), large)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, steps, peak)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        average.update(model, step)
        running += loss.item()
        done = step + 1
        if done % SAVE_EVERY == 0 or done == steps:
            seconds = (time.monotonic() - began) / (done - first)
            mean = running / ((done - 1) % SAVE_EVERY + 1)
            log.info("step %d loss %.5f %.3f s/step", done, mean, seconds)
            running = 0.0
            save_state(
                folder / "upscaler.pt",
                {
                    "model": model.state_dict(),
                    "optimizer": optimizer.state_dict(),
                    "average": average.weights,
                    "step": done,
                },
            )


def main() -> None:
    """Read the command line and train."""
    run_stage(train, __doc__, steps=4000, peak=2e-3, seed=12)


if __name__ == "__main__":
    main()
