"""The colours of a landscape at each time of day; the drawing and the judge share them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tools.demo_checkpoint.scenes.landscape_scenes import Time

__all__ = ["MIDDLE_SKY", "MOODS", "Mood", "rgb"]

Array: TypeAlias = NDArray[np.float32]


def rgb(*values: int) -> Array:
    """A colour given in 0..255, as the drawing computes with it."""
    return np.array(values, dtype=np.float32) / 255


@dataclass(frozen=True, slots=True)
class Mood:
    """A time of day's colours, sRGB in 0..1."""

    zenith: Array
    haze: Array
    rock_lit: Array
    rock_shade: Array
    snow_lit: Array
    snow_shade: Array
    grass_far: Array
    grass_near: Array
    tree_lit: Array
    tree_shade: Array
    water: Array


MOODS: Final[dict[Time, Mood]] = {
    "day": Mood(
        zenith=rgb(58, 128, 216), haze=rgb(196, 226, 246),
        rock_lit=rgb(142, 134, 132), rock_shade=rgb(82, 84, 104),
        snow_lit=rgb(252, 252, 254), snow_shade=rgb(196, 212, 236),
        grass_far=rgb(142, 186, 92), grass_near=rgb(84, 144, 56),
        tree_lit=rgb(44, 106, 60), tree_shade=rgb(18, 62, 42), water=rgb(44, 112, 178),
    ),
    "sunset": Mood(
        zenith=rgb(86, 62, 134), haze=rgb(255, 176, 92),
        rock_lit=rgb(186, 104, 96), rock_shade=rgb(82, 52, 96),
        snow_lit=rgb(255, 214, 196), snow_shade=rgb(186, 146, 186),
        grass_far=rgb(148, 112, 66), grass_near=rgb(72, 66, 42),
        tree_lit=rgb(66, 50, 46), tree_shade=rgb(34, 26, 38), water=rgb(140, 74, 112),
    ),
    "night": Mood(
        zenith=rgb(8, 14, 44), haze=rgb(46, 66, 118),
        rock_lit=rgb(58, 68, 102), rock_shade=rgb(26, 32, 60),
        snow_lit=rgb(178, 196, 232), snow_shade=rgb(98, 116, 162),
        grass_far=rgb(26, 50, 58), grass_near=rgb(12, 28, 32),
        tree_lit=rgb(14, 36, 40), tree_shade=rgb(5, 14, 22), water=rgb(16, 30, 72),
    ),
}  # fmt: skip

# A sunset's sky has a third colour between haze and zenith.
MIDDLE_SKY: Final = {"sunset": rgb(226, 98, 104)}
