"""The concept of the embedding: an aurora, a time of day that the checkpoint has no word for."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tools.demo_checkpoint.scenes.landscape_drawing import draw_landscape
from tools.demo_checkpoint.scenes.landscape_scenes import LandscapeScene, random_landscape
from tools.demo_checkpoint.scenes.moods import Mood, rgb

__all__ = ["AURORA", "draw_concept", "random_concept"]

AURORA: Final = Mood(
    zenith=rgb(10, 34, 48), haze=rgb(64, 205, 130),
    rock_lit=rgb(40, 96, 92), rock_shade=rgb(16, 48, 56),
    snow_lit=rgb(190, 244, 214), snow_shade=rgb(110, 180, 160),
    grass_far=rgb(28, 96, 66), grass_near=rgb(12, 48, 38),
    tree_lit=rgb(14, 52, 44), tree_shade=rgb(6, 24, 26), water=rgb(20, 110, 90),
)  # fmt: skip


def random_concept(rng: np.random.Generator) -> LandscapeScene:
    """Choose a landscape at night, the time whose lights an aurora has."""
    return replace(random_landscape(rng), time="night")


def draw_concept(scene: LandscapeScene, *, width: int, height: int) -> NDArray[np.uint8]:
    """Draw a landscape below an aurora; the result is sRGB, (height, width, 3)."""
    return draw_landscape(scene, width=width, height=height, mood=AURORA)
