"""Stable Diffusion 3 and 3.5: the names of Stability AI's code, and those of diffusers.

Sources: Stability-AI/sd3.5 (`mmditx.py`), the conversion of diffusers
(`loaders/single_file_utils.py`), and the published configuration of
stabilityai/stable-diffusion-3-medium-diffusers (`transformer/config.json`).
"""

import dataclasses
import math
from collections.abc import Mapping
from types import MappingProxyType

from domain.checkpoints.header_values import TensorFacts
from domain.checkpoints.sets.networks.places import (
    NetworkLayout,
    Place,
    UnusableNetwork,
    count_of,
    identical,
    shape_in,
)
from domain.checkpoints.sets.networks.renaming import Blocks, Names, renamed

__all__ = ["sd3_layout"]

_LAYERS = 200
_HEAD, _SAMPLE = 64, 128
"""The numbers of an attention head, and the side of the latents of a picture of its training."""


def _block(side: str, own: Mapping[str, str]) -> dict[str, str]:
    return {f"{side}.{stored}": name for stored, name in own.items()}


_BLOCK = Names(
    plain=MappingProxyType(
        {
            **_block(
                "x_block",
                {
                    "attn.ln_q": "attn.norm_q",
                    "attn.ln_k": "attn.norm_k",
                    "attn.proj": "attn.to_out.0",
                    "attn2.ln_q": "attn2.norm_q",
                    "attn2.ln_k": "attn2.norm_k",
                    "attn2.proj": "attn2.to_out.0",
                    "adaLN_modulation.1": "norm1.linear",
                    "mlp.fc1": "ff.net.0.proj",
                    "mlp.fc2": "ff.net.2",
                },
            ),
            **_block(
                "context_block",
                {
                    "attn.ln_q": "attn.norm_added_q",
                    "attn.ln_k": "attn.norm_added_k",
                    "attn.proj": "attn.to_add_out",
                    "adaLN_modulation.1": "norm1_context.linear",
                    "mlp.fc1": "ff_context.net.0.proj",
                    "mlp.fc2": "ff_context.net.2",
                },
            ),
        }
    ),
    fused=MappingProxyType(
        {
            "x_block.attn.qkv": ("attn.to_q", "attn.to_k", "attn.to_v"),
            "x_block.attn2.qkv": ("attn2.to_q", "attn2.to_k", "attn2.to_v"),
            "context_block.attn.qkv": ("attn.add_q_proj", "attn.add_k_proj", "attn.add_v_proj"),
        }
    ),
)
_TOP = Names(
    plain=MappingProxyType(
        {
            "x_embedder.proj": "pos_embed.proj",
            "t_embedder.mlp.0": "time_text_embed.timestep_embedder.linear_1",
            "t_embedder.mlp.2": "time_text_embed.timestep_embedder.linear_2",
            "y_embedder.mlp.0": "time_text_embed.text_embedder.linear_1",
            "y_embedder.mlp.2": "time_text_embed.text_embedder.linear_2",
            "context_embedder": "context_embedder",
            "final_layer.linear": "proj_out",
        }
    ),
    swapped=MappingProxyType({"final_layer.adaLN_modulation.1": "norm_out.linear"}),
    whole=MappingProxyType({"pos_embed": "pos_embed.pos_embed"}),
)
_BLOCKS = (Blocks("joint_blocks", "transformer_blocks", _BLOCK),)


def sd3_layout(tensors: Mapping[str, TensorFacts]) -> NetworkLayout:
    """Return the transformer of Stable Diffusion 3 or 3.5 (`SD3Transformer2DModel`) in a file.

    Raises:
        UnusableNetwork: It is another network.
    """
    places = _places(tensors)
    shapes = {
        own: TensorFacts(tensors[place.name].dtype, place.shape_of(tensors[place.name].shape))
        for own, place in places.items()
    }
    inner, channels, patch, _ = shape_in(shapes, "pos_embed.proj.weight", 4)
    positions = shape_in(shapes, "pos_embed.pos_embed", 3)[1]
    if inner % _HEAD or math.isqrt(positions) ** 2 != positions:
        raise UnusableNetwork(
            f"it is {inner} numbers wide and has {positions} positions, which no Stable Diffusion "
            "3 has"
        )
    caption, joint = shape_in(shapes, "context_embedder.weight", 2)
    layers = count_of(shapes, "transformer_blocks.", _LAYERS)
    config = {
        "sample_size": _SAMPLE,
        "patch_size": patch,
        "in_channels": channels,
        "num_layers": layers,
        "attention_head_dim": _HEAD,
        "num_attention_heads": inner // _HEAD,
        "joint_attention_dim": joint,
        "caption_projection_dim": caption,
        "pooled_projection_dim": shape_in(
            shapes, "time_text_embed.text_embedder.linear_1.weight", 2
        )[1],
        "out_channels": shape_in(shapes, "proj_out.weight", 2)[0] // patch**2,
        "pos_embed_max_size": math.isqrt(positions),
        "dual_attention_layers": [
            number
            for number in range(layers)
            if f"transformer_blocks.{number}.attn2.to_q.weight" in shapes
        ],
        "qk_norm": "rms_norm" if "transformer_blocks.0.attn.norm_q.weight" in shapes else None,
    }
    return NetworkLayout(config, places)


def _places(tensors: Mapping[str, TensorFacts]) -> dict[str, Place]:
    if "pos_embed.proj.weight" in tensors:
        return identical(tensors)
    width = shape_in(tensors, "x_embedder.proj.weight", 4)[0]
    places = renamed(tensors, width, _TOP, _BLOCKS)
    # The last block gives the prompt a shift and a scale alone, the shift first.
    last = count_of(tensors, "joint_blocks.", _LAYERS) - 1
    for kind in ("weight", "bias"):
        name = f"transformer_blocks.{last}.norm1_context.linear.{kind}"
        if name in places:
            places[name] = dataclasses.replace(places[name], swaps_halves=True)
    return places
