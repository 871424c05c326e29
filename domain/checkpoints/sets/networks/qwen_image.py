"""The transformer of Qwen-Image.

Its authors publish the names of diffusers, and ComfyUI's file (`qwen_image_bf16.safetensors`) has
the same. Nothing is converted.

The facts that no header tells are those of `transformer/config.json` of Qwen/Qwen-Image, which are
the defaults of `QwenImageTransformer2DModel` (diffusers 0.42). Of its variants for editing, some
have the same tensors, and some have one more.
"""

from collections.abc import Mapping
from types import MappingProxyType

from domain.checkpoints.header_values import TensorFacts
from domain.checkpoints.sets.networks.pieces import heads_of, width_of
from domain.checkpoints.sets.networks.places import (
    NetworkLayout,
    UnusableNetwork,
    count_of,
    identical,
    shape_in,
)

__all__ = ["OTHER_QWEN_IMAGES", "qwen_image_layout"]

_HEAD, _AXES = 128, (16, 56, 56)
"""Numbers of an attention head, and how many of them turn with each axis of a position."""
_PATCH = 2
_MOST_LAYERS = 128
OTHER_QWEN_IMAGES: Mapping[str, str] = MappingProxyType(
    {
        "__index_timestep_zero__": "Qwen-Image-Edit 2511, which changes pictures",
        "time_text_embed.addition_t_embedding.weight": "Qwen-Image-Layered, which draws layers",
        "txt_in.text_norm.weight": "Qwen-Image 2.1, which has another architecture",
    }
)
"""A tensor of each variant that draws in another way (ComfyUI, `model_detection.py`)."""


def qwen_image_layout(tensors: Mapping[str, TensorFacts]) -> NetworkLayout:
    """Return the layout of a file of Qwen-Image.

    Raises:
        UnusableNetwork: It is not a network that `QwenImagePipeline` draws with.
    """
    for mark, model in OTHER_QWEN_IMAGES.items():
        if mark in tensors:
            raise UnusableNetwork(f"it is {model}; choose Qwen-Image")
    width, inputs = shape_in(tensors, "img_in.weight", 2)
    head = width_of(tensors, "transformer_blocks.0.attn.norm_q.weight")
    config = {
        "patch_size": _PATCH,
        "in_channels": inputs,
        "out_channels": shape_in(tensors, "proj_out.weight", 2)[0] // _PATCH**2,
        "num_layers": count_of(tensors, "transformer_blocks.", _MOST_LAYERS),
        "attention_head_dim": head,
        "num_attention_heads": heads_of(width, head, _HEAD),
        "joint_attention_dim": shape_in(tensors, "txt_in.weight", 2)[1],
        "guidance_embeds": False,
        "axes_dims_rope": _AXES,
    }
    return NetworkLayout(config, identical(tensors))
