"""The encoded pictures, as training batches of one size each."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch

from tools.demo_checkpoint.captions import caption
from tools.demo_checkpoint.encode import scene_from_json
from tools.demo_checkpoint.flat_scenes import FlatScene
from tools.demo_checkpoint.landscape_scenes import LandscapeScene
from tools.demo_checkpoint.pictures import Scene

__all__ = ["Batch", "Latents"]

# A batch has as many latent pixels as this many 256x256 pictures, so that every step takes about as
# long.
PICTURES_PER_BATCH: Final = 16
SMALL_AREA: Final = 32 * 32
# Where words are learnt: a picture costs a quarter of one at 256x256, and shapes have no scale.
FIRST_SIZE: Final = "128x128"
FIRST_PICTURES: Final = 64
# Later, the share of steps at 256x256, the size the demo is mostly asked for; the rest goes to the
# others by their number.
SMALL_SHARE: Final = 0.5
# The share of flat pictures in a batch: their colours and outlines take longest to learn.
FLAT_SHARE: Final = 0.75


@dataclass(frozen=True, slots=True)
class Batch:
    """Latents of standard deviation 1, (pictures, 4, height, width), and a caption for each."""

    latents: torch.Tensor
    captions: list[str]


def _where(scenes: list[Scene], kind: type[Scene]) -> list[int]:
    return [number for number, scene in enumerate(scenes) if isinstance(scene, kind)]


class Latents:
    """All encoded pictures, in memory, by size."""

    def __init__(self, folder: Path, *, scale: float | None = None) -> None:
        pools: dict[str, list[np.ndarray]] = defaultdict(list)
        self._scenes: dict[str, list[Scene]] = defaultdict(list)
        for path in sorted((folder / "latents").glob("*.npy")):
            size = path.stem.rpartition("-")[0]
            pools[size].append(np.load(path))
            scenes = json.loads(path.with_suffix(".json").read_text())
            self._scenes[size] += [scene_from_json(values) for values in scenes]
        self._flat = {s: _where(scenes, FlatScene) for s, scenes in self._scenes.items()}
        self._landscapes = {s: _where(scenes, LandscapeScene) for s, scenes in self._scenes.items()}
        if not pools:
            raise FileNotFoundError(f"{folder}/latents is empty; run encode first")
        self._pools = {
            size: torch.from_numpy(np.concatenate(parts)) for size, parts in pools.items()
        }
        self._sizes = [size for size in self._pools if size != FIRST_SIZE]
        small = self._pools["256x256"]
        # A denoiser knows the scale that it began with.
        self.scale = scale or 1 / small.float().std().item()
        others = [len(self._pools[size]) ** 0.5 * (size != "256x256") for size in self._sizes]
        shares = np.array(others) / max(sum(others), 1e-9) * (1 - SMALL_SHARE)
        shares[self._sizes.index("256x256")] = SMALL_SHARE
        self._shares = shares / shares.sum()

    def __len__(self) -> int:
        return sum(map(len, self._pools.values()))

    def _one(self, size: str, rng: np.random.Generator) -> int:
        """The number of a flat picture or a landscape of a size, as chance has it."""
        flat, landscapes = self._flat[size], self._landscapes[size]
        numbers = flat if rng.random() < FLAT_SHARE else landscapes
        return numbers[rng.integers(len(numbers))]

    def batch(
        self, rng: np.random.Generator, *, unnamed: float, first: bool, workers: int = 1
    ) -> Batch:
        """Draw one worker's share of a batch of one size, of FIRST_SIZE in the `first` part of the
        training; `unnamed` is the share of captions left empty.
        """
        size = FIRST_SIZE if first else self._sizes[rng.choice(len(self._sizes), p=self._shares)]
        pool, scenes = self._pools[size], self._scenes[size]
        area = pool.shape[2] * pool.shape[3]
        pictures = FIRST_PICTURES if first else PICTURES_PER_BATCH * SMALL_AREA / area
        count = max(1, round(pictures / workers))
        chosen = np.array([self._one(size, rng) for _ in range(count)])
        captions = ["" if rng.random() < unnamed else caption(scenes[i], rng) for i in chosen]
        return Batch(pool[torch.from_numpy(chosen)].float() * self.scale, captions)
