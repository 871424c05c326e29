"""The transformer of Lumina 2 (Lumina-Image 2.0, and models made of it, such as Neta Lumina).

The names of the original code (Alpha-VLLM/Lumina-Image-2.0, `consolidated.00-of-01.pth`, and
ComfyUI's `lumina_2_model_bf16.safetensors` and `lumina_2.safetensors`) are converted as
`convert_lumina2_to_diffusers` (diffusers 0.42) does; here the sizes come from the file.

The facts that no header tells are those of `transformer/config.json` of
Alpha-VLLM/Lumina-Image-2.0.
"""

from collections.abc import Iterator, Mapping

from domain.checkpoints.header_values import TensorFacts
from domain.checkpoints.sets.networks.pieces import fused, heads_of, width_of, with_new_start
from domain.checkpoints.sets.networks.places import (
    NetworkLayout,
    Place,
    UnusableNetwork,
    count_of,
    shape_in,
)

__all__ = ["lumina_2_layout"]

_HEAD, _AXES = 96, (32, 32, 32)
"""Numbers of an attention head, and how many of them turn with each axis of a position."""
_PATCH = 2
_MULTIPLE = 256
"""The width of a feed-forward network is four times that of the transformer, rounded up to this."""
_MOST_LAYERS = 128
_BEGINNINGS = {
    "cap_embedder.": "time_caption_embed.caption_embedder.",
    "t_embedder.mlp.0.": "time_caption_embed.timestep_embedder.linear_1.",
    "t_embedder.mlp.2.": "time_caption_embed.timestep_embedder.linear_2.",
    "final_layer.adaLN_modulation.1.": "norm_out.linear_1.",
    "final_layer.linear.": "norm_out.linear_2.",
}
_BLOCKS = ("layers.", "noise_refiner.", "context_refiner.")
_INNER = {
    "attention.out.": "attn.to_out.0.",
    "attention.k_norm.": "attn.norm_k.",
    "attention.q_norm.": "attn.norm_q.",
    "feed_forward.w1.": "feed_forward.linear_1.",
    "feed_forward.w2.": "feed_forward.linear_2.",
    "feed_forward.w3.": "feed_forward.linear_3.",
    "attention_norm2.": "norm2.",
}
_MODULATED = {"adaLN_modulation.1.": "norm1.linear.", "attention_norm1.": "norm1.norm."}
_PLAIN = {"attention_norm1.": "norm1."}
"""Blocks that refine the prompt are not modulated by the time."""
_UNUSED = frozenset({"norm_final.weight"})
"""A norm that no step uses; diffusers' conversion leaves it out."""


def lumina_2_layout(tensors: Mapping[str, TensorFacts]) -> NetworkLayout:
    """Return the layout of a file of Lumina 2, in the original names or in those of diffusers.

    Raises:
        UnusableNetwork: It is not a network that `Lumina2Transformer2DModel` draws with.
    """
    fused_name = "layers.0.attention.qkv.weight"
    is_original = fused_name in tensors
    norm = f"layers.0.{'attention.q_norm' if is_original else 'attn.norm_q'}.weight"
    width, inputs = shape_in(tensors, "x_embedder.weight", 2)
    heads = heads_of(width, width_of(tensors, norm), _HEAD)
    if is_original:
        values = (shape_in(tensors, fused_name, 2)[0] - width) // 2
    else:
        values = shape_in(tensors, "layers.0.attn.to_k.weight", 2)[0]
    if values < 1 or values % _HEAD or heads % (values // _HEAD):
        raise UnusableNetwork(f"its attention has {values} numbers of keys for {width} of queries")
    places = {
        target: place
        for name, facts in tensors.items()
        if name not in _UNUSED
        for target, place in _places(name, facts, (width, values, values))
    }
    network = {name: tensors[place.name] for name, place in places.items()}
    inner = shape_in(network, "layers.0.feed_forward.linear_1.weight", 2)[0]
    if inner != -(-4 * width // _MULTIPLE) * _MULTIPLE:
        raise UnusableNetwork(f"its feed-forward networks have {inner} numbers for {width}")
    embedder = "time_caption_embed.caption_embedder.1.weight"
    config = {
        "sample_size": 128,
        "patch_size": _PATCH,
        "in_channels": inputs // _PATCH**2,
        "hidden_size": width,
        "num_layers": count_of(network, "layers.", _MOST_LAYERS),
        "num_refiner_layers": count_of(network, "noise_refiner.", _MOST_LAYERS),
        "num_attention_heads": heads,
        "num_kv_heads": values // _HEAD,
        "multiple_of": _MULTIPLE,
        "ffn_dim_multiplier": None,
        "norm_eps": 1e-5,
        "scaling_factor": 1.0,
        "axes_dim_rope": _AXES,
        "axes_lens": (300, 512, 512),
        "cap_feat_dim": shape_in(network, embedder, 2)[1],
    }
    return NetworkLayout(config, places, _UNUSED)


def _places(
    name: str, facts: TensorFacts, sizes: tuple[int, int, int]
) -> Iterator[tuple[str, Place]]:
    block = next((each for each in _BLOCKS if name.startswith(each)), None)
    if block is None:
        yield with_new_start(name, _BEGINNINGS), Place(name)
        return
    number, _, inner = name.removeprefix(block).partition(".")
    stem = f"{block}{number}."
    if inner == "attention.qkv.weight":
        yield from fused(name, facts, [f"{stem}attn.to_{each}.weight" for each in "qkv"], sizes)
        return
    norms = _PLAIN if block == "context_refiner." else _MODULATED
    yield stem + with_new_start(inner, {**_INNER, **norms}), Place(name)
