"""Recognises the networks that draw, one module for each architecture."""

from domain.checkpoints.sets.drawing.flux import chroma, flux
from domain.checkpoints.sets.drawing.flux_2 import flux_2
from domain.checkpoints.sets.drawing.next_dit import lumina_2, z_image
from domain.checkpoints.sets.drawing.qwen_image import qwen_image
from domain.checkpoints.sets.drawing.sana import sana
from domain.checkpoints.sets.drawing.stable_diffusion_3 import stable_diffusion_3
from domain.checkpoints.sets.placed import Recogniser

__all__ = ["DRAWING"]

DRAWING: tuple[Recogniser, ...] = (
    *(flux, chroma, flux_2, stable_diffusion_3, z_image, lumina_2, qwen_image, sana),
)
"""Each returns what it recognises. No file is recognised by two of them."""
