"""Name weights as original Stable Diffusion checkpoints do, the inverse of diffusers' loading.

Source of the names: CompVis' latent-diffusion, as `diffusers.loaders.single_file_utils` reads them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from torch import Tensor

__all__ = ["text_encoder_name", "to_original", "unet_name", "vae_name"]

_UNET_PREFIX: Final = "model.diffusion_model."
_VAE_PREFIX: Final = "first_stage_model."
_TEXT_PREFIX: Final = "cond_stage_model.transformer.text_model."

_UNET_ENDS: Final = {
    "conv_in": "input_blocks.0.0",
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
}
_UNET_RESNET: Final = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}


def to_original(weights: dict[str, Tensor], rename: Callable[[str], str]) -> dict[str, Tensor]:
    """Rename a state dict."""
    return {rename(name): value for name, value in weights.items()}


def text_encoder_name(name: str) -> str:
    """Rename a CLIPTextModel weight; transformers 5 drops the file format's `text_model.`."""
    return _TEXT_PREFIX + name.removeprefix("text_model.")


def unet_name(name: str, *, layers_per_block: int, levels: int) -> str:
    """Rename a UNet2DConditionModel weight.

    The original numbers blocks in one row: per level its layers and then the downsampler; on the
    way up, one layer more per level, with the upsampler inside the last.
    """
    stem, _, kind = name.rpartition(".")
    if stem in _UNET_ENDS:
        return f"{_UNET_PREFIX}{_UNET_ENDS[stem]}.{kind}"
    span = layers_per_block + 1
    if found := re.match(r"down_blocks\.(\d+)\.(resnets|attentions)\.(\d+)\.(.+)", name):
        level, part, layer, rest = found.groups()
        place = 1 + int(level) * span + int(layer)
        return f"{_UNET_PREFIX}input_blocks.{place}.{_unet_layer(part, rest)}"
    if found := re.match(r"down_blocks\.(\d+)\.downsamplers\.0\.conv\.(.+)", name):
        return f"{_UNET_PREFIX}input_blocks.{(int(found[1]) + 1) * span}.0.op.{found[2]}"
    if found := re.match(r"mid_block\.(resnets|attentions)\.(\d+)\.(.+)", name):
        part, layer, rest = found.groups()
        place = 1 if part == "attentions" else 2 * int(layer)
        return f"{_UNET_PREFIX}middle_block.{place}.{_unet_layer(part, rest)[2:]}"
    if found := re.match(r"up_blocks\.(\d+)\.(resnets|attentions)\.(\d+)\.(.+)", name):
        level, part, layer, rest = found.groups()
        place = int(level) * span + int(layer)
        return f"{_UNET_PREFIX}output_blocks.{place}.{_unet_layer(part, rest)}"
    if found := re.match(r"up_blocks\.(\d+)\.upsamplers\.0\.conv\.(.+)", name):
        level = int(found[1])
        # The upsampler follows the layer's attention, if there is one: on all levels but the last,
        # full-size one.
        place = 2 if level < levels - 1 else 1
        return f"{_UNET_PREFIX}output_blocks.{level * span + span - 1}.{place}.conv.{found[2]}"
    raise ValueError(f"no original name is known for the UNet weight {name!r}")


def _unet_layer(part: str, rest: str) -> str:
    if part == "attentions":
        return f"1.{rest}"
    stem, _, kind = rest.rpartition(".")
    return f"0.{_UNET_RESNET[stem]}.{kind}"


def vae_name(name: str, *, levels: int) -> str:
    """Rename an AutoencoderKL weight; the original counts decoder blocks from full size inwards."""
    name = name.replace("conv_shortcut", "nin_shortcut").replace("conv_norm_out", "norm_out")
    name = re.sub(
        r"mid_block\.resnets\.(\d+)", lambda found: f"mid.block_{int(found[1]) + 1}", name
    )
    name = re.sub(r"down_blocks\.(\d+)\.resnets", r"down.\1.block", name)
    name = re.sub(r"down_blocks\.(\d+)\.downsamplers\.0", r"down.\1.downsample", name)
    name = re.sub(r"up_blocks\.(\d+)", lambda found: f"up.{levels - 1 - int(found[1])}", name)
    name = name.replace(".resnets.", ".block.").replace("upsamplers.0", "upsample")
    return _VAE_PREFIX + name
