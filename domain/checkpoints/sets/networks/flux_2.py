"""The transformer of FLUX.2 klein in its four forms: 4B and 9B, distilled and base.

The names of the original code (black-forest-labs/flux2, `flux-2-klein-4b.safetensors`, in ComfyUI's
folders too) are converted as `convert_flux2_transformer_checkpoint_to_diffusers` (diffusers 0.42)
does. A distilled model has the tensors of its base.

The facts that no header tells are those of `scripts/convert_flux2_to_diffusers.py` of diffusers.
"""

from collections.abc import Iterator, Mapping

from domain.checkpoints.header_values import TensorFacts
from domain.checkpoints.sets.networks.pieces import fused, heads_of, width_of
from domain.checkpoints.sets.networks.places import NetworkLayout, Place, count_of, shape_in

__all__ = ["flux_2_layout"]

_HEAD, _AXES = 128, (32, 32, 32, 32)
"""Numbers of an attention head, and how many of them turn with each axis of a position."""
_MOST_LAYERS = 128
_OUTER = {
    "img_in": "x_embedder",
    "txt_in": "context_embedder",
    "time_in.in_layer": "time_guidance_embed.timestep_embedder.linear_1",
    "time_in.out_layer": "time_guidance_embed.timestep_embedder.linear_2",
    "guidance_in.in_layer": "time_guidance_embed.guidance_embedder.linear_1",
    "guidance_in.out_layer": "time_guidance_embed.guidance_embedder.linear_2",
    "double_stream_modulation_img.lin": "double_stream_modulation_img.linear",
    "double_stream_modulation_txt.lin": "double_stream_modulation_txt.linear",
    "single_stream_modulation.lin": "single_stream_modulation.linear",
    "final_layer.linear": "proj_out",
}
_SWAPPED, _NORM_OUT = "final_layer.adaLN_modulation.1", "norm_out.linear"
"""The shift comes before the scale in the original code, and after it in diffusers."""
_DOUBLE = {
    "img_attn.norm.query_norm": "attn.norm_q",
    "img_attn.norm.key_norm": "attn.norm_k",
    "img_attn.proj": "attn.to_out.0",
    "img_mlp.0": "ff.linear_in",
    "img_mlp.2": "ff.linear_out",
    "txt_attn.norm.query_norm": "attn.norm_added_q",
    "txt_attn.norm.key_norm": "attn.norm_added_k",
    "txt_attn.proj": "attn.to_add_out",
    "txt_mlp.0": "ff_context.linear_in",
    "txt_mlp.2": "ff_context.linear_out",
}
_SINGLE = {
    "linear1": "attn.to_qkv_mlp_proj",
    "linear2": "attn.to_out",
    "norm.query_norm": "attn.norm_q",
    "norm.key_norm": "attn.norm_k",
}
_BLOCKS = (
    ("double_blocks.", "transformer_blocks.", _DOUBLE),
    ("single_blocks.", "single_transformer_blocks.", _SINGLE),
)
_FUSED = {
    "img_attn.qkv": ("attn.to_q", "attn.to_k", "attn.to_v"),
    "txt_attn.qkv": ("attn.add_q_proj", "attn.add_k_proj", "attn.add_v_proj"),
}


def flux_2_layout(tensors: Mapping[str, TensorFacts]) -> NetworkLayout:
    """Return the layout of a file of FLUX.2, in the original names or in those of diffusers.

    Raises:
        UnusableNetwork: It is not a network that `Flux2Transformer2DModel` draws with.
    """
    places = {
        target: place for name, facts in tensors.items() for target, place in _places(name, facts)
    }
    network = {name: tensors[place.name] for name, place in places.items()}
    width, inputs = shape_in(network, "x_embedder.weight", 2)
    head = width_of(network, "single_transformer_blocks.0.attn.norm_q.weight")
    times = shape_in(network, "time_guidance_embed.timestep_embedder.linear_1.weight", 2)[1]
    config = {
        "patch_size": 1,
        "in_channels": inputs,
        "num_layers": count_of(network, "transformer_blocks.", _MOST_LAYERS),
        "num_single_layers": count_of(network, "single_transformer_blocks.", _MOST_LAYERS),
        "attention_head_dim": head,
        "num_attention_heads": heads_of(width, head, _HEAD),
        "joint_attention_dim": shape_in(network, "context_embedder.weight", 2)[1],
        "timestep_guidance_channels": times,
        "mlp_ratio": 3.0,
        "axes_dims_rope": _AXES,
        "rope_theta": 2000,
        "eps": 1e-6,
        "guidance_embeds": any(".guidance_embedder." in name for name in network),
    }
    return NetworkLayout(config, places)


def _places(name: str, facts: TensorFacts) -> Iterator[tuple[str, Place]]:
    """Yield the tensors of the network that a tensor of the file fills: three if it is fused."""
    stem, _, last = name.rpartition(".")
    if stem == _SWAPPED:
        yield f"{_NORM_OUT}.{last}", Place(name, swaps_halves=True)
        return
    for old, new, table in _BLOCKS:
        if stem.startswith(old):
            number, _, inner = stem.removeprefix(old).partition(".")
            if inner in _FUSED:
                targets = [f"{new}{number}.{each}.{last}" for each in _FUSED[inner]]
                yield from fused(name, facts, targets)
            else:
                last = "weight" if last == "scale" else last
                yield f"{new}{number}.{table.get(inner, inner)}.{last}", Place(name)
            return
    yield (f"{_OUTER.get(stem, stem)}.{last}" if stem else name), Place(name)
