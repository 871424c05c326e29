"""Flat scenes: one coloured shape on a coloured background."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from tools.demo_checkpoint.scenes.outlines import OUTLINES, coverage
from tools.demo_checkpoint.scenes.palette import COLOURS

__all__ = ["PLACES", "FlatScene", "draw_flat", "is_held_out", "random_flat"]

Size = Literal["small", "medium", "large"]

# Radius as a share of the picture's short side.
_RADII: Final[dict[Size, tuple[float, float]]] = {
    "small": (0.13, 0.18),
    "medium": (0.24, 0.32),
    "large": (0.37, 0.43),
}

# The position of the shape's centre in the free space: 0 is left or top, 1 is right or bottom.
PLACES: Final[dict[str, tuple[float, float]]] = {
    "centre": (0.5, 0.5),
    "left": (0.08, 0.5),
    "right": (0.92, 0.5),
    "top": (0.5, 0.08),
    "bottom": (0.5, 0.92),
    "top left": (0.08, 0.08),
    "top right": (0.92, 0.08),
    "bottom left": (0.08, 0.92),
    "bottom right": (0.92, 0.92),
}

_HELD_OUT_PERCENT: Final = 12


@dataclass(frozen=True, slots=True)
class FlatScene:
    """What a flat picture shows; `seed` fixes the small variations that no caption names."""

    shape: str
    colour: str
    background: str
    size: Size
    place: str
    seed: int


def is_held_out(shape: str, colour: str, background: str) -> bool:
    """Return True if this combination is held out, so that the judge can ask for unseen ones."""
    key = f"{shape} {colour} {background}".encode()
    return zlib.crc32(key) % 100 < _HELD_OUT_PERCENT


def random_flat(rng: np.random.Generator) -> FlatScene:
    """Choose a flat scene that is not held out; white is the likeliest background."""
    shapes, colours = list(OUTLINES), list(COLOURS)
    while True:
        shape, colour = str(rng.choice(shapes)), str(rng.choice(colours))
        background = "white" if rng.random() < 0.12 else str(rng.choice(colours))
        if colour != background and not is_held_out(shape, colour, background):
            break
    sizes: tuple[Size, ...] = ("small", "medium", "large")
    size = sizes[rng.choice(3, p=[0.25, 0.5, 0.25])]
    moved = size != "large" and rng.random() < 0.35
    place = str(rng.choice(list(PLACES))) if moved else "centre"
    return FlatScene(shape, colour, background, size, place, int(rng.integers(2**31)))


def draw_flat(scene: FlatScene, *, width: int, height: int) -> NDArray[np.uint8]:
    """Draw a flat scene; the result is sRGB, (height, width, 3)."""
    rng = np.random.default_rng(scene.seed)
    short = min(width, height)
    radius = rng.uniform(*_RADII[scene.size]) * short
    margin = radius * 1.12
    free = np.maximum(np.array([width, height]) - 2 * margin, 0)
    jitter = rng.normal(0, 0.012, 2) * short
    centre = margin + free * PLACES[scene.place] + jitter
    mask = coverage(
        scene.shape, width=width, height=height, centre=(centre[0], centre[1]), radius=radius
    )[..., None]
    ink, paper = (
        np.clip(np.array(COLOURS[name]) + rng.normal(0, 3, 3), 0, 255)
        for name in (scene.colour, scene.background)
    )
    return np.rint(paper + (ink - paper) * mask).astype(np.uint8)
