"""FLUX.1 and Chroma: the names of Black Forest Labs' code, and those of diffusers.

Sources: black-forest-labs/flux (`src/flux/model.py`, `modules/layers.py`), the conversion of
diffusers (`loaders/single_file_utils.py`), and the published configurations of
black-forest-labs/FLUX.1-dev and FLUX.1-schnell (`transformer/config.json`) and of Chroma.
"""

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

__all__ = ["chroma_layout", "flux_layout"]

_LAYERS = 200
_CHANNELS = 64
"""Sixteen channels of latents in patches of 2 × 2."""
_HEAD, _AXES = 128, (16, 56, 56)
"""The numbers of an attention head, and how the rotary embedding divides them."""

_DOUBLE = Names(
    plain=MappingProxyType(
        {
            "img_mod.lin": "norm1.linear",
            "txt_mod.lin": "norm1_context.linear",
            "img_attn.norm.query_norm": "attn.norm_q",
            "img_attn.norm.key_norm": "attn.norm_k",
            "txt_attn.norm.query_norm": "attn.norm_added_q",
            "txt_attn.norm.key_norm": "attn.norm_added_k",
            "img_attn.proj": "attn.to_out.0",
            "txt_attn.proj": "attn.to_add_out",
            "img_mlp.0": "ff.net.0.proj",
            "img_mlp.2": "ff.net.2",
            "txt_mlp.0": "ff_context.net.0.proj",
            "txt_mlp.2": "ff_context.net.2",
        }
    ),
    fused=MappingProxyType(
        {
            "img_attn.qkv": ("attn.to_q", "attn.to_k", "attn.to_v"),
            "txt_attn.qkv": ("attn.add_q_proj", "attn.add_k_proj", "attn.add_v_proj"),
        }
    ),
)
_SINGLE = Names(
    plain=MappingProxyType(
        {
            "modulation.lin": "norm.linear",
            "norm.query_norm": "attn.norm_q",
            "norm.key_norm": "attn.norm_k",
            "linear2": "proj_out",
        }
    ),
    fused=MappingProxyType({"linear1": ("attn.to_q", "attn.to_k", "attn.to_v", "proj_mlp")}),
)
_BLOCKS = (
    Blocks("double_blocks", "transformer_blocks", _DOUBLE),
    Blocks("single_blocks", "single_transformer_blocks", _SINGLE),
)
_ENDS = {"img_in": "x_embedder", "txt_in": "context_embedder", "final_layer.linear": "proj_out"}
_TOP = Names(
    plain=MappingProxyType(
        {
            **_ENDS,
            "time_in.in_layer": "time_text_embed.timestep_embedder.linear_1",
            "time_in.out_layer": "time_text_embed.timestep_embedder.linear_2",
            "vector_in.in_layer": "time_text_embed.text_embedder.linear_1",
            "vector_in.out_layer": "time_text_embed.text_embedder.linear_2",
            "guidance_in.in_layer": "time_text_embed.guidance_embedder.linear_1",
            "guidance_in.out_layer": "time_text_embed.guidance_embedder.linear_2",
        }
    ),
    swapped=MappingProxyType({"final_layer.adaLN_modulation.1": "norm_out.linear"}),
)
_APPROXIMATOR = "distilled_guidance_layer"


def flux_layout(tensors: Mapping[str, TensorFacts]) -> NetworkLayout:
    """Return the transformer of FLUX.1 (`FluxTransformer2DModel`) in a file with these tensors.

    A file of FLUX.1 dev has an input for the guidance; one of schnell has none.

    Raises:
        UnusableNetwork: It is another network, or one that draws from more than a prompt.
    """
    places = _places(tensors, _TOP)
    shapes = _shapes(tensors, places)
    config = _common(shapes)
    config["pooled_projection_dim"] = _width_of(shapes, "time_text_embed.text_embedder.linear_1")
    config["guidance_embeds"] = any("guidance_embedder." in name for name in shapes)
    return NetworkLayout(config, places)


def chroma_layout(tensors: Mapping[str, TensorFacts]) -> NetworkLayout:
    """Return the transformer of Chroma (`ChromaTransformer2DModel`) in a file.

    Raises:
        UnusableNetwork: It is another network, such as Chroma Radiance, which draws pixels.
    """
    places = _places(tensors, _chroma_top(tensors))
    shapes = _shapes(tensors, places)
    config = _common(shapes)
    hidden, channels = shape_in(shapes, f"{_APPROXIMATOR}.in_proj.weight", 2)
    config["approximator_num_channels"] = channels
    config["approximator_hidden_dim"] = hidden
    config["approximator_layers"] = count_of(shapes, f"{_APPROXIMATOR}.layers.", _LAYERS)
    return NetworkLayout(config, places)


def _chroma_top(tensors: Mapping[str, TensorFacts]) -> Names:
    """Return the names outside the blocks, with those of the approximator's layers."""
    plain = {f"{_APPROXIMATOR}.{end}": f"{_APPROXIMATOR}.{end}" for end in ("in_proj", "out_proj")}
    for name in tensors:
        before, _, _kind = name.rpartition(".")
        if before.startswith(f"{_APPROXIMATOR}.layers."):
            own = before.replace(".in_layer", ".linear_1").replace(".out_layer", ".linear_2")
            plain[before] = own
        elif before.startswith(f"{_APPROXIMATOR}.norms."):
            plain[before] = before
    return Names(plain=MappingProxyType({**_ENDS, **plain}))


def _places(tensors: Mapping[str, TensorFacts], top: Names) -> dict[str, Place]:
    if any(name.startswith("nerf_") for name in tensors):
        raise UnusableNetwork("it is Chroma Radiance, which draws pixels; nothing here does")
    if "x_embedder.weight" in tensors:
        return identical(tensors)
    return renamed(tensors, shape_in(tensors, "img_in.weight", 2)[0], top, _BLOCKS)


def _shapes(
    tensors: Mapping[str, TensorFacts], places: Mapping[str, Place]
) -> dict[str, TensorFacts]:
    """Return the types and shapes by the names of diffusers."""
    return {
        own: TensorFacts(tensors[place.name].dtype, place.shape_of(tensors[place.name].shape))
        for own, place in places.items()
    }


def _common(shapes: Mapping[str, TensorFacts]) -> dict[str, object]:
    inner, channels = shape_in(shapes, "x_embedder.weight", 2)
    if channels != _CHANNELS:
        raise UnusableNetwork(
            f"its input has {channels} channels, and that of FLUX.1 {_CHANNELS}: it draws from "
            "more than a prompt, as FLUX.1 Fill, Canny and Depth do; nothing here draws with these"
        )
    (head,) = shape_in(shapes, "transformer_blocks.0.attn.norm_q.weight", 1)
    if head != _HEAD or inner % head:
        raise UnusableNetwork(f"its attention heads have {head} numbers, and FLUX.1's {_HEAD}")
    return {
        "patch_size": 1,
        "in_channels": channels,
        "out_channels": None,
        "num_layers": count_of(shapes, "transformer_blocks.", _LAYERS),
        "num_single_layers": count_of(shapes, "single_transformer_blocks.", _LAYERS),
        "attention_head_dim": head,
        "num_attention_heads": inner // head,
        "joint_attention_dim": _width_of(shapes, "context_embedder"),
        "axes_dims_rope": list(_AXES),
    }


def _width_of(shapes: Mapping[str, TensorFacts], module: str) -> int:
    """Return the numbers that a linear layer takes."""
    return shape_in(shapes, f"{module}.weight", 2)[1]
