"""Pairs of pictures to learn from: a drawing, and the same drawing at half the size with faults."""

from __future__ import annotations

import io
from typing import Final

import numpy as np
import torch
from diffusers import AutoencoderKL
from numpy.typing import NDArray
from PIL import Image

from tools.demo_checkpoint.pictures import Scene, draw, random_scene
from tools.demo_checkpoint.scenes.flat_scenes import FlatScene, is_held_out
from tools.demo_checkpoint.scenes.landscape_scenes import random_landscape
from tools.demo_checkpoint.scenes.outlines import OUTLINES
from tools.demo_checkpoint.scenes.palette import COLOURS

__all__ = ["SCALE", "SIDE", "draw_pair", "held_out_scene", "made_small"]

SCALE: Final = 2
SIDE: Final = 256
"""Pixels on each side of a small picture: the size that the demo checkpoint draws."""
_FLAT_SHARE: Final = 0.5
_FILTERS: Final = (Image.Resampling.BOX, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS)

# The faults of a small picture, and how often each one comes. The autoencoder's faults are those of
# every picture that the demo checkpoint draws.
_AUTOENCODER_SHARE: Final = 0.35
_NOISE_SHARE: Final = 0.3
_JPEG_SHARE: Final = 0.3
_MOST_NOISE: Final = 4.0
_JPEG_QUALITIES: Final = (60, 96)


def draw_pair(
    rng: np.random.Generator, autoencoder: AutoencoderKL
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Draw a small and a large picture of one scene: sRGB, (SIDE, SIDE, 3) and twice that."""
    scene = random_scene(rng, flat_share=_FLAT_SHARE)
    return made_small(scene, rng, autoencoder)


def made_small(
    scene: Scene, rng: np.random.Generator, autoencoder: AutoencoderKL | None
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Draw a scene in both sizes; without an autoencoder, the small one is only reduced."""
    large = draw(scene, width=SCALE * SIDE, height=SCALE * SIDE)
    how = _FILTERS[rng.integers(len(_FILTERS))] if autoencoder else Image.Resampling.BOX
    small = Image.fromarray(large).resize((SIDE, SIDE), how)
    if autoencoder is None:
        return np.asarray(small), large
    if rng.random() < _AUTOENCODER_SHARE:
        small = _through(autoencoder, small)
    pixels = np.asarray(small, dtype=np.float32)
    if rng.random() < _NOISE_SHARE:
        pixels = pixels + rng.normal(0, rng.uniform(0, _MOST_NOISE), pixels.shape)
    found = np.clip(np.rint(pixels), 0, 255).astype(np.uint8)
    if rng.random() < _JPEG_SHARE:
        found = _as_jpeg(found, int(rng.integers(*_JPEG_QUALITIES)))
    return found, large


def held_out_scene(rng: np.random.Generator) -> Scene:
    """Choose a scene that `random_scene` never chooses, or a landscape; half are landscapes."""
    if rng.random() >= _FLAT_SHARE:
        return random_landscape(rng)
    while True:
        shape, colour, paper = (
            str(rng.choice(list(names))) for names in (OUTLINES, COLOURS, COLOURS)
        )
        if colour != paper and is_held_out(shape, colour, paper):
            return FlatScene(shape, colour, paper, "medium", "centre", int(rng.integers(2**31)))


@torch.no_grad()
def _through(autoencoder: AutoencoderKL, picture: Image.Image) -> Image.Image:
    where = next(autoencoder.parameters())
    pixels = torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None].to(where) / 127.5 - 1
    decoded = autoencoder.decode(autoencoder.encode(pixels).latent_dist.mode()).sample[0]
    levels = ((decoded.float().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    return Image.fromarray(levels.permute(1, 2, 0).contiguous().cpu().numpy())


def _as_jpeg(pixels: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file).convert("RGB"))
