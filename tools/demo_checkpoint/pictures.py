"""A picture's plan, flat or landscape: its random choice, its drawing, its sizes."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from tools.demo_checkpoint.scenes.flat_scenes import FlatScene, draw_flat, random_flat
from tools.demo_checkpoint.scenes.landscape_drawing import draw_landscape
from tools.demo_checkpoint.scenes.landscape_scenes import LandscapeScene, random_landscape

__all__ = ["Scene", "draw", "random_scene"]

Scene = FlatScene | LandscapeScene

# Landscapes are learned from fewer examples than the binding of colours to things.
FLAT_SHARE: Final = 0.66


def random_scene(rng: np.random.Generator, flat_share: float = FLAT_SHARE) -> Scene:
    """Choose a scene; `flat_share` is the probability of a flat one."""
    return random_flat(rng) if rng.random() < flat_share else random_landscape(rng)


def draw(scene: Scene, *, width: int, height: int) -> NDArray[np.uint8]:
    """Draw a scene; the result is sRGB, (height, width, 3)."""
    if isinstance(scene, FlatScene):
        return draw_flat(scene, width=width, height=height)
    return draw_landscape(scene, width=width, height=height)
