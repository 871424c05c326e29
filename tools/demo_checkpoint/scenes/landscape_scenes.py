"""Landscape scenes: what they can contain, and how they are composed at random."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

__all__ = ["FEATURES", "LandscapeScene", "Time", "random_landscape"]

Time = Literal["day", "sunset", "night"]

# What a caption may name or omit, and a negative prompt may remove.
FEATURES: Final = ("mountains", "snow", "lake", "trees", "sun", "moon", "stars")


@dataclass(frozen=True, slots=True)
class LandscapeScene:
    """What a landscape shows; `seed` fixes ridges, trees and tints, which no caption names."""

    time: Time
    features: frozenset[str]
    seed: int


def random_landscape(rng: np.random.Generator) -> LandscapeScene:
    """Compose a landscape.

    Features occur independently of each other, so that the model can learn each one by itself; only
    the sky has rules: no sun by night, no moon or stars by day. Snow is on mountains only.
    """
    times: tuple[Time, ...] = ("day", "sunset", "night")
    time = times[rng.choice(3, p=[0.54, 0.23, 0.23])]
    chance = {"mountains": 0.75, "lake": 0.55, "trees": 0.6}
    chance |= {"moon": 0.65, "stars": 0.65} if time == "night" else {"sun": 0.55}
    features = {name for name, probability in chance.items() if rng.random() < probability}
    if "mountains" in features and rng.random() < 0.55:
        features.add("snow")
    return LandscapeScene(time, frozenset(features), int(rng.integers(2**31)))
