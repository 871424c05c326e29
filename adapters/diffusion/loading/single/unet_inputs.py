"""Two inputs of a UNet that diffusers' conversion of single files leaves out."""

from collections.abc import Mapping
from typing import Any

import torch
from diffusers.loaders.single_file_utils import convert_ldm_unet_checkpoint

from adapters.diffusion.loading.weights import Weights
from domain.checkpoints.families import PICTURE_WIDTHS
from domain.checkpoints.names import GUIDANCE_INPUT
from domain.checkpoints.unets import UNET

__all__ = ["GUIDANCE", "GUIDANCE_OF_DIFFUSERS", "with_guidance", "without_picture"]

GUIDANCE = GUIDANCE_INPUT[0]
"""The projection of the embedding of the guidance scale, in the UNet of a latent consistency
model."""
GUIDANCE_OF_DIFFUSERS = "time_embedding.cond_proj.weight"

_PICTURE = f"{UNET}label_emb.0."
_LAYERS = ("0.weight", "0.bias", "2.weight", "2.bias")
_BIAS = f"{UNET}time_embed.2.bias"


def with_guidance(
    weights: dict[str, torch.Tensor], configuration: Mapping[str, Any]
) -> dict[str, torch.Tensor]:
    """Return the weights from which the UNet of a single file is loaded.

    diffusers' conversion leaves out the projection of the guidance scale (Luo et al.,
    arXiv:2310.04378, section 4.2). So the UNet that has one is converted here. Other weights are
    returned as they are, for diffusers to convert.

    Args:
        weights: The tensors of the checkpoint.
        configuration: The configuration of the UNet.
    """
    if GUIDANCE not in weights:
        return weights
    converted: dict[str, torch.Tensor] = convert_ldm_unet_checkpoint(weights, dict(configuration))
    converted[GUIDANCE_OF_DIFFUSERS] = weights[GUIDANCE]
    return converted


def without_picture(weights: Weights) -> Weights:
    """Return the weights of an unCLIP checkpoint for drawings from text alone.

    The UNet of Stable Diffusion 2.1 unCLIP adds to the embedding of the time that of a picture,
    which two layers make of CLIP's output. «No picture» is an input of zeros: the authors'
    guidance predicts with it (diffusers, `StableUnCLIPImg2ImgPipeline._encode_image`), and ComfyUI
    draws with it from text (`model_base.py`, `SD21UNCLIP.encode_adm`). The output for zeros is one
    vector. It is added to a bias here, and the two layers are left out. So the rest is the UNet of
    Stable Diffusion 2.

    Other weights are returned as they are.
    """
    layers = [weights.get(f"{_PICTURE}{name}") for name in _LAYERS]
    if any(each is None for each in layers) or _BIAS not in weights:
        return weights
    seen, first_bias, second, second_bias = (each.float() for each in layers if each is not None)
    if seen.ndim != 2 or seen.shape[1] not in PICTURE_WIDTHS:
        return weights
    hidden = torch.nn.functional.silu(first_bias)
    constant = torch.nn.functional.linear(hidden, second, second_bias)
    kept = weights.renamed({name: name for name in weights if not name.startswith(_PICTURE)})
    bias = weights[_BIAS]
    return kept.replaced({_BIAS: (bias.float() + constant).to(bias.dtype)})
