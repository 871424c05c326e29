"""The transformer of Z-Image and Z-Image-Turbo.

ComfyUI's file (`z_image_turbo_bf16.safetensors`) has the names of Lumina 2, of whose code Z-Image's
is a descendant: query, key and value are one tensor. Its authors publish the names of diffusers.
`convert_z_image_transformer_checkpoint_to_diffusers` (diffusers 0.42, `single_file_utils.py`)
converts one to the other. Both models have the same tensors.

The facts that no header tells are those of `transformer/config.json` of Tongyi-MAI/Z-Image-Turbo
and Tongyi-MAI/Z-Image, which are equal.
"""

from collections.abc import Mapping

from domain.checkpoints.header_values import TensorFacts
from domain.checkpoints.sets.networks.pieces import fused, heads_of, width_of, with_new_start
from domain.checkpoints.sets.networks.places import (
    NetworkLayout,
    Place,
    UnusableNetwork,
    count_of,
    shape_in,
)

__all__ = ["z_image_layout"]

_HEAD, _AXES = 128, (32, 48, 48)
"""Numbers of an attention head, and how many of them turn with each axis of a position."""
_PATCH = 2
_MOST_LAYERS = 128
_BEGINNINGS = {
    "final_layer.": f"all_final_layer.{_PATCH}-1.",
    "x_embedder.": f"all_x_embedder.{_PATCH}-1.",
}
_INNER = (
    (".attention.out.", ".attention.to_out.0."),
    (".attention.k_norm.", ".attention.norm_k."),
    (".attention.q_norm.", ".attention.norm_q."),
)
_FUSED = "qkv.weight"
_UNUSED = frozenset({"norm_final.weight"})
"""A norm of Lumina 2 that no step of it uses; diffusers' conversions leave it out."""


def z_image_layout(tensors: Mapping[str, TensorFacts]) -> NetworkLayout:
    """Return the layout of a file of Z-Image, in ComfyUI's names or in those of diffusers.

    Raises:
        UnusableNetwork: It is not a network that `ZImageTransformer2DModel` draws pictures with.
    """
    if "siglip_embedder.1.weight" in tensors:
        raise UnusableNetwork("it also reads pictures (Z-Image-Omni), and nothing here draws so")
    places: dict[str, Place] = {}
    for name, facts in tensors.items():
        if name.endswith(f".attention.{_FUSED}"):
            stem = name.removesuffix(_FUSED)
            places.update(fused(name, facts, [f"{stem}to_{each}.weight" for each in "qkv"]))
        elif name not in _UNUSED:
            places[_diffusers_name(name)] = Place(name)
    network = {name: tensors[place.name] for name, place in places.items()}
    width, texts = shape_in(network, "cap_embedder.1.weight", 2)
    heads = heads_of(width, width_of(network, "layers.0.attention.norm_q.weight"), _HEAD)
    channels = shape_in(network, f"all_x_embedder.{_PATCH}-1.weight", 2)[1] // _PATCH**2
    config = {
        "all_patch_size": (_PATCH,),
        "all_f_patch_size": (1,),
        "in_channels": channels,
        "dim": width,
        "n_layers": count_of(network, "layers.", _MOST_LAYERS),
        "n_refiner_layers": count_of(network, "noise_refiner.", _MOST_LAYERS),
        "n_heads": heads,
        "n_kv_heads": heads,
        "norm_eps": 1e-5,
        "qk_norm": True,
        "cap_feat_dim": texts,
        "rope_theta": 256.0,
        "t_scale": 1000.0,
        "axes_dims": list(_AXES),
        "axes_lens": [1536, 512, 512],
    }
    return NetworkLayout(config, places, _UNUSED)


def _diffusers_name(name: str) -> str:
    """Return a name of diffusers. A name of diffusers stays what it is."""
    name = with_new_start(name, _BEGINNINGS)
    for old, new in _INNER:
        name = name.replace(old, new)
    return name
