"""The encoded pictures, as training batches of one size each."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch

from tools.demo_checkpoint.captions.captions import caption
from tools.demo_checkpoint.pictures import Scene
from tools.demo_checkpoint.scenes.flat_scenes import FlatScene
from tools.demo_checkpoint.scenes.landscape_scenes import LandscapeScene
from tools.demo_checkpoint.training.encode import scene_from_json

__all__ = ["Batch", "Latents"]

# A batch has as many latent pixels as this many 256x256 pictures, so that every step takes about as
# long.
PICTURES_PER_BATCH: Final = 16
SMALL_AREA: Final = 32 * 32
# This is where words are learned: a picture costs a quarter of one at 256x256, and shapes have no
# scale.
FIRST_SIZE: Final = "128x128"
FIRST_PICTURES: Final = 64
# Later, the share of steps at each size. In a large or long frame, one thing instead of several has
# to fill it: that takes most of the steps, while the skills from 256x256 stay.
SHARES: Final = {
    "256x256": 0.22,
    "384x256": 0.06,
    "256x384": 0.06,
    "512x256": 0.19,
    "256x512": 0.17,
    "384x384": 0.06,
    "512x512": 0.24,
}
# The share of flat pictures in a batch: their colours and outlines take longest to learn.
FLAT_SHARE: Final = 0.6
# How often an outline is drawn compared with the others: these are learned last.
WEIGHTS: Final = {"star": 3.0, "cross": 2.0, "crescent": 2.0, "ring": 2.0}


@dataclass(frozen=True, slots=True)
class Batch:
    """Latents of standard deviation 1, (pictures, 4, height, width), and a caption for each."""

    latents: torch.Tensor
    captions: list[str]


def _where(scenes: list[Scene], kind: type[Scene]) -> list[int]:
    return [number for number, scene in enumerate(scenes) if isinstance(scene, kind)]


def _chances(scenes: list[Scene], flat: list[int]) -> np.ndarray:
    """Return the cumulated probability of each flat picture, weighted by outline; the last is 1."""
    weights = [WEIGHTS.get(getattr(scenes[number], "shape", ""), 1.0) for number in flat]
    sums: np.ndarray = np.cumsum(weights)
    return sums / sums[-1]


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
        self._chances = {s: _chances(self._scenes[s], flat) for s, flat in self._flat.items()}
        self._landscapes = {s: _where(scenes, LandscapeScene) for s, scenes in self._scenes.items()}
        if not pools:
            raise FileNotFoundError(f"{folder}/latents is empty; run encode first")
        self._pools = {
            size: torch.from_numpy(np.concatenate(parts)) for size, parts in pools.items()
        }
        self._sizes = [size for size in self._pools if size != FIRST_SIZE]
        small = self._pools["256x256"]
        # A denoiser stays at the scale that its training started with.
        self.scale = scale or 1 / small.float().std().item()
        shares = np.array([SHARES[size] for size in self._sizes])
        self._shares = shares / shares.sum()

    def __len__(self) -> int:
        return sum(map(len, self._pools.values()))

    def _one(self, size: str, rng: np.random.Generator) -> int:
        """Return the number of a random flat picture or landscape of a size."""
        flat, landscapes = self._flat[size], self._landscapes[size]
        if rng.random() < FLAT_SHARE:
            return flat[np.searchsorted(self._chances[size], rng.random())]
        return landscapes[rng.integers(len(landscapes))]

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
