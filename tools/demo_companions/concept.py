"""The concept of the embedding: an aurora, a time of day that the checkpoint has no word for."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tools.demo_checkpoint.scenes.landscape_drawing import draw_landscape
from tools.demo_checkpoint.scenes.landscape_scenes import LandscapeScene, random_landscape
from tools.demo_checkpoint.scenes.moods import MOODS, rgb

__all__ = ["AURORA", "draw_concept", "random_concept"]

# The sky is green where it is hazy at night. The green is near that of the palette: the autoencoder
# of the demo shows brighter and bluer ones as grey or purple.
AURORA: Final = replace(MOODS["night"], haze=rgb(40, 165, 70))


def random_concept(rng: np.random.Generator) -> LandscapeScene:
    """Choose a landscape at night."""
    while (scene := random_landscape(rng)).time != "night":
        pass
    return scene


def draw_concept(scene: LandscapeScene, *, width: int, height: int) -> NDArray[np.uint8]:
    """Draw a landscape below an aurora; the result is sRGB, (height, width, 3)."""
    return draw_landscape(scene, width=width, height=height, mood=AURORA)
