"""Two inputs of a UNet that diffusers' conversion of single files leaves out."""

from collections.abc import Mapping
from typing import Any

import torch

from domain.checkpoints.families import PICTURE_WIDTHS
from domain.checkpoints.names import GUIDANCE_INPUT
from domain.checkpoints.unets import UNET

__all__ = ["GUIDANCE", "take_guidance", "without_picture"]

GUIDANCE = GUIDANCE_INPUT[0]
"""The projection of the embedding of the guidance scale, in the UNet of a latent consistency model.
diffusers names it `time_embedding.cond_proj`."""

_PICTURE = f"{UNET}label_emb.0."
_LAYERS = ("0.weight", "0.bias", "2.weight", "2.bias")
_BIAS = f"{UNET}time_embed.2.bias"


def take_guidance(unet: Any, weights: Mapping[str, torch.Tensor]) -> None:
    """Give a UNet that was loaded from a single file its projection of the guidance scale.

    A UNet without such a projection is left as it is. Luo et al., arXiv:2310.04378, section 4.2.
    """
    projection = getattr(unet.time_embedding, "cond_proj", None)
    if projection is not None and GUIDANCE in weights:
        stored = weights[GUIDANCE].to(unet.dtype)
        projection.weight = torch.nn.Parameter(stored, requires_grad=False)


def without_picture(weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return the weights of an unCLIP checkpoint for drawings from text alone.

    The UNet of Stable Diffusion 2.1 unCLIP adds to the embedding of the time that of a picture,
    which two layers make of CLIP's output. «No picture» is an input of zeros: the authors'
    guidance predicts with it (diffusers, `StableUnCLIPImg2ImgPipeline._encode_image`), and ComfyUI
    draws with it from text (`model_base.py`, `SD21UNCLIP.encode_adm`). The output for zeros is one
    vector. It is added to a bias here, and the two layers are left out. So the rest is the UNet of
    Stable Diffusion 2.

    Other weights are returned as they are.
    """
    layers = [
        weights.get(f"{_PICTURE}{name}") for name in ("0.weight", "0.bias", "2.weight", "2.bias")
    ]
    if any(each is None for each in layers) or _BIAS not in weights:
        return dict(weights)
    seen, first_bias, second, second_bias = (each.float() for each in layers if each is not None)
    if seen.ndim != 2 or seen.shape[1] not in PICTURE_WIDTHS:
        return dict(weights)
    hidden = torch.nn.functional.silu(first_bias)
    constant = torch.nn.functional.linear(hidden, second, second_bias)
    kept = {name: each for name, each in weights.items() if not name.startswith(_PICTURE)}
    bias = weights[_BIAS]
    kept[_BIAS] = (bias.float() + constant).to(bias.dtype)
    return kept
