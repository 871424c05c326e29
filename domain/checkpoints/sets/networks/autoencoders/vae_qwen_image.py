"""The autoencoder of Qwen-Image (`AutoencoderKLQwenImage`).

ComfyUI's file (`qwen_image_vae.safetensors`) has the names of Wan 2.1's code (Wan-Video/Wan2.1,
`vae.py`), of whose autoencoder Qwen-Image's is made. `convert_wan_vae_to_diffusers` (diffusers
0.42) converts them for one number of levels and layers; here both come from the file. The authors
publish the names of diffusers.

The mean and the deviation of the latents are those of `vae/config.json` of Qwen/Qwen-Image.
"""

import re
from collections.abc import Mapping

from domain.checkpoints.header_values import TensorFacts
from domain.checkpoints.sets.networks.pieces import with_new_start
from domain.checkpoints.sets.networks.places import (
    NetworkLayout,
    Place,
    UnusableNetwork,
    count_of,
    shape_in,
)

__all__ = ["vae_qwen_image_layout"]

_CHANNELS = 16
_MEAN = (
    *(-0.7571, -0.7089, -0.9113, 0.1075, -0.1745, 0.9653, -0.1517, 1.5508),
    *(0.4134, -0.0715, 0.5517, -0.3632, -0.1922, -0.9497, 0.2503, -0.2921),
)
_DEVIATION = (
    *(2.8184, 1.4541, 2.3275, 2.6558, 1.2196, 1.7708, 2.6052, 2.0743),
    *(3.2687, 2.1526, 2.8652, 1.5579, 1.6382, 1.1253, 2.8251, 1.9160),
)
_MOST_BLOCKS = 64
_ORIGINAL = "encoder.conv1.weight"
_OUTER = {
    "conv1.": "quant_conv.",
    "conv2.": "post_quant_conv.",
    "encoder.conv1.": "encoder.conv_in.",
    "decoder.conv1.": "decoder.conv_in.",
    "encoder.head.0.": "encoder.norm_out.",
    "decoder.head.0.": "decoder.norm_out.",
    "encoder.head.2.": "encoder.conv_out.",
    "decoder.head.2.": "decoder.conv_out.",
}
_MIDDLE = {
    "0.": "mid_block.resnets.0.",
    "1.": "mid_block.attentions.0.",
    "2.": "mid_block.resnets.1.",
}
_BLOCK = {
    "residual.0.": "norm1.",
    "residual.2.": "conv1.",
    "residual.3.": "norm2.",
    "residual.6.": "conv2.",
    "shortcut.": "conv_shortcut.",
}
_NAME = re.compile(r"(encoder|decoder)\.(middle|downsamples|upsamples)\.(.+)")


def vae_qwen_image_layout(tensors: Mapping[str, TensorFacts]) -> NetworkLayout:
    """Return the layout of a file, in the names of Wan 2.1 or in those of diffusers.

    Raises:
        UnusableNetwork: It is not such an autoencoder.
    """
    layers = _layers_of_a_level(tensors)
    if _ORIGINAL in tensors:
        places = {_diffusers_name(name, layers): Place(name) for name in tensors}
    else:
        places = {name: Place(name) for name in tensors}
    network = {name: tensors[place.name] for name, place in places.items()}
    width, channels = shape_in(network, "encoder.conv_in.weight", 5)[:2]
    latents = shape_in(network, "post_quant_conv.weight", 5)[0]
    if latents != _CHANNELS:
        raise UnusableNetwork(f"its latents have {latents} channels; {_CHANNELS} are right")
    blocks = count_of(network, "encoder.down_blocks.", _MOST_BLOCKS)
    widths, downsamples = [], []
    for number in range(blocks):
        stem = f"encoder.down_blocks.{number}."
        if f"{stem}conv2.weight" in network:
            widths.append(shape_in(network, f"{stem}conv2.weight", 5)[0])
        else:
            downsamples.append(f"{stem}time_conv.weight" in network)
    if any(each % width for each in widths) or len(widths) != layers * (len(downsamples) + 1):
        raise UnusableNetwork(f"its encoder has levels of {widths} channels, from {width} on")
    config = {
        "base_dim": width,
        "z_dim": latents,
        "dim_mult": [each // width for each in widths[::layers]],
        "num_res_blocks": layers,
        "attn_scales": [],
        "temperal_downsample": downsamples,
        "dropout": 0.0,
        "input_channels": channels,
        "latents_mean": list(_MEAN),
        "latents_std": list(_DEVIATION),
    }
    return NetworkLayout(config, places)


def _layers_of_a_level(tensors: Mapping[str, TensorFacts]) -> int:
    """Return the residual blocks of a level of the encoder: those before its first downsampling."""
    before = "encoder.downsamples." if _ORIGINAL in tensors else "encoder.down_blocks."
    for number in range(count_of(tensors, before, _MOST_BLOCKS)):
        if f"{before}{number}.resample.1.weight" in tensors:
            return max(number, 1)
    raise UnusableNetwork("its encoder makes no picture smaller")


def _diffusers_name(name: str, layers: int) -> str:
    """Return the name of diffusers of a tensor in Wan 2.1's names.

    A level of the decoder has one layer more than one of the encoder, then its upsampling.
    """
    if (found := _NAME.fullmatch(name)) is None:
        return with_new_start(name, _OUTER)
    side, part, rest = found.groups()
    if part == "middle":
        return f"{side}.{_inside(with_new_start(rest, _MIDDLE))}"
    number, _, inner = rest.partition(".")
    inner = with_new_start(inner, _BLOCK)
    if part == "downsamples":
        return f"{side}.down_blocks.{number}.{inner}"
    if not number.isdecimal():
        return name
    level, place = divmod(int(number[:6]), layers + 2)
    block = f"resnets.{place}" if place <= layers else "upsamplers.0"
    return f"{side}.up_blocks.{level}.{block}.{inner}"


def _inside(name: str) -> str:
    for block in ("mid_block.resnets.0.", "mid_block.resnets.1."):
        if name.startswith(block):
            return block + with_new_start(name.removeprefix(block), _BLOCK)
    return name
