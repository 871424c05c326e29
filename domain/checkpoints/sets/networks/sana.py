"""The transformer of SANA: 0.6B and 1.6B, and SANA 1.5 with 1.6B and 4.8B.

The names of the original code (NVlabs/Sana) are converted as `scripts/convert_sana_to_diffusers.py`
and `convert_sana_transformer_to_diffusers` (diffusers 0.42) do. The latter leaves the norms of
queries and keys out, which SANA 1.5 has.

The facts that no header tells are those of that script.
"""

from collections.abc import Iterator, Mapping
from math import isqrt

from domain.checkpoints.header_values import TensorFacts
from domain.checkpoints.sets.networks.pieces import fused, with_new_start
from domain.checkpoints.sets.networks.places import (
    NetworkLayout,
    Place,
    UnusableNetwork,
    count_of,
    shape_in,
)

__all__ = ["sana_layout"]

_HEADS = {1152: (36, 32, 16, 72), 2240: (70, 32, 20, 112)}
"""By the width: heads and their numbers, of the attention to the picture and to the prompt."""
_MOST_LAYERS = 128
_BEGINNINGS = {
    "x_embedder.proj.": "patch_embed.proj.",
    "t_embedder.mlp.0.": "time_embed.emb.timestep_embedder.linear_1.",
    "t_embedder.mlp.2.": "time_embed.emb.timestep_embedder.linear_2.",
    "t_block.1.": "time_embed.linear.",
    "y_embedder.y_proj.fc1.": "caption_projection.linear_1.",
    "y_embedder.y_proj.fc2.": "caption_projection.linear_2.",
    "attention_y_norm.": "caption_norm.",
    "final_layer.linear.": "proj_out.",
    "final_layer.scale_shift_table": "scale_shift_table",
}
_INNER = {
    "attn.proj.": "attn1.to_out.0.",
    "attn.q_norm.": "attn1.norm_q.",
    "attn.k_norm.": "attn1.norm_k.",
    "cross_attn.q_linear.": "attn2.to_q.",
    "cross_attn.q_norm.": "attn2.norm_q.",
    "cross_attn.k_norm.": "attn2.norm_k.",
    "cross_attn.proj.": "attn2.to_out.0.",
    "mlp.inverted_conv.conv.": "ff.conv_inverted.",
    "mlp.depth_conv.conv.": "ff.conv_depth.",
    "mlp.point_conv.conv.": "ff.conv_point.",
}
_FUSED = {
    "attn.qkv": ("attn1.to_q", "attn1.to_k", "attn1.to_v"),
    "cross_attn.kv_linear": ("attn2.to_k", "attn2.to_v"),
}
_POSITIONS = "pos_embed"
_SIDES = (16, 32, 64, 128)
"""The latents on a side of a picture of 512, 1024, 2048 and 4096 pixels."""
_INTERPOLATION = {64: 1.0, 128: 2.0}
"""Of these sizes alone, the positions of the latents are added to them, at a scale."""
_UNUSED = frozenset(
    {"y_embedder.y_embedding", _POSITIONS, "logvar_linear.weight", "logvar_linear.bias"}
)
"""The empty prompt of the training, positions that the network does not use, and its loss."""


def sana_layout(tensors: Mapping[str, TensorFacts]) -> NetworkLayout:
    """Return the layout of a file of SANA, in the original names or in those of diffusers.

    Raises:
        UnusableNetwork: It is not a network that `SanaPipeline` draws with.
    """
    places = {
        target: place
        for name, facts in tensors.items()
        if name not in _UNUSED
        for target, place in _places(name, facts)
    }
    if any("guidance_embedder." in name or name.startswith("cfg_embedder.") for name in places):
        raise UnusableNetwork("it is SANA-Sprint, whose few steps no sampler here has")
    network = {name: tensors[place.name] for name, place in places.items()}
    width, channels = shape_in(network, "patch_embed.proj.weight", 4)[:2]
    if width not in _HEADS:
        raise UnusableNetwork(
            f"it has a width of {width}; SANA has {' or '.join(map(str, _HEADS))}"
        )
    heads, head, cross_heads, cross_head = _HEADS[width]
    inverted = shape_in(network, "transformer_blocks.0.ff.conv_inverted.weight", 4)[0]
    side = _side(tensors)
    is_normed = "transformer_blocks.0.attn1.norm_q.weight" in network
    config = {
        "in_channels": channels,
        "out_channels": shape_in(network, "proj_out.weight", 2)[0],
        "num_attention_heads": heads,
        "attention_head_dim": head,
        "num_layers": count_of(network, "transformer_blocks.", _MOST_LAYERS),
        "num_cross_attention_heads": cross_heads,
        "cross_attention_head_dim": cross_head,
        "cross_attention_dim": width,
        "caption_channels": shape_in(network, "caption_projection.linear_1.weight", 2)[1],
        "mlp_ratio": inverted / (2 * width),
        "attention_bias": False,
        "sample_size": side,
        "patch_size": 1,
        "norm_elementwise_affine": False,
        "norm_eps": 1e-6,
        "interpolation_scale": _INTERPOLATION.get(side),
        "guidance_embeds": False,
        "qk_norm": "rms_norm_across_heads" if is_normed else None,
        "timestep_scale": 1.0,
    }
    return NetworkLayout(config, places, _UNUSED)


def _side(tensors: Mapping[str, TensorFacts]) -> int:
    """Return the latents on a side of the pictures of the training.

    A network of 2048 pixels adds positions to its latents, and one of 1024 pixels does not. Both
    have the same tensors but for the size of a table, which the names of diffusers lack.
    """
    if _POSITIONS not in tensors:
        raise UnusableNetwork(
            f"it lacks the tensor {_POSITIONS}, which tells SANA for pictures of 1024 pixels from "
            "SANA for 2048 and 4096; the diffusers folder of the model tells that too"
        )
    latents = shape_in(tensors, _POSITIONS, 3)[1]
    if (side := isqrt(latents)) not in _SIDES or side * side != latents:
        raise UnusableNetwork(f"it has positions for {latents} latents, as no published SANA has")
    return side


def _places(name: str, facts: TensorFacts) -> Iterator[tuple[str, Place]]:
    if not name.startswith("blocks."):
        yield with_new_start(name, _BEGINNINGS), Place(name)
        return
    number, _, inner = name.removeprefix("blocks.").partition(".")
    stem = f"transformer_blocks.{number}."
    part, _, last = inner.rpartition(".")
    if part in _FUSED:
        yield from fused(name, facts, [f"{stem}{each}.{last}" for each in _FUSED[part]])
    else:
        yield stem + with_new_start(inner, _INNER), Place(name)
