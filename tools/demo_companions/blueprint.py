"""The style of the LoRA: a blueprint, which is white lines on blue paper."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tools.demo_checkpoint.pictures import Scene, draw
from tools.demo_checkpoint.scenes.landscape_drawing import draw_landscape
from tools.demo_checkpoint.scenes.landscape_scenes import LandscapeScene
from tools.demo_checkpoint.scenes.moods import Mood, rgb
from tools.demo_checkpoint.scenes.palette import COLOURS
from tools.demo_companions.outlines import lines

__all__ = ["INK", "PAPER", "as_blueprint"]

# The autoencoder of the demo shows the colours of its palette. It shows a darker blue as purple.
PAPER: Final = COLOURS["blue"]
INK: Final = COLOURS["white"]
# Pixels. The autoencoder shows a line of 3 pixels as light blue, and one of 6 as white.
_LINE_WIDTH: Final = 6.0


# A landscape in greys: each thing has one level, so that its outline is the only edge.
_GREYS: Final = Mood(
    zenith=rgb(150, 150, 150), haze=rgb(150, 150, 150),
    rock_lit=rgb(40, 40, 40), rock_shade=rgb(40, 40, 40),
    snow_lit=rgb(235, 235, 235), snow_shade=rgb(235, 235, 235),
    grass_far=rgb(85, 85, 85), grass_near=rgb(85, 85, 85),
    tree_lit=rgb(10, 10, 10), tree_shade=rgb(10, 10, 10), water=rgb(150, 150, 150),
)  # fmt: skip


def as_blueprint(
    scene: Scene, *, width: int, height: int, strength: float = 1.0
) -> NDArray[np.uint8]:
    """Draw a scene as a blueprint; the result is sRGB, (height, width, 3).

    `strength` is the share of the paper in the colours beside the lines: at 0 they are those of
    the plain picture, at 1 everything is paper. The lines are always white.
    """
    picture = draw(scene, width=width, height=height)
    ground = picture + strength * (np.array(PAPER, np.float32) - picture)
    forms = picture
    if isinstance(scene, LandscapeScene):
        # The time of day decides the colours of the middle of the sky.
        forms = draw_landscape(replace(scene, time="day"), width=width, height=height, mood=_GREYS)
    line = lines(forms, _LINE_WIDTH)[..., None]
    drawn = ground + line * (np.array(INK, np.float32) - ground)
    return np.rint(drawn).astype(np.uint8)
