"""The autoencoder of FLUX.2 (`AutoencoderKLFlux2`).

It is that of FLUX.1 with more channels, and with the statistics of its latents (`bn`) in place of a
factor and a shift. The names of the original code (black-forest-labs/flux2, ComfyUI's
`flux2-vae.safetensors`) are converted as `scripts/convert_flux2_to_diffusers.py` of diffusers does.

The facts that no header tells are those of `vae/config.json` of black-forest-labs/FLUX.2-dev, which
klein shares.
"""

from collections.abc import Mapping

from domain.checkpoints.additions.autoencoder_layout import autoencoder_layout
from domain.checkpoints.additions.unusable import UnusableAddition
from domain.checkpoints.header_values import TensorFacts
from domain.checkpoints.sets.networks.pieces import renamed
from domain.checkpoints.sets.networks.places import NetworkLayout, Place, UnusableNetwork, shape_in

__all__ = ["vae_flux_2_layout"]

_PATCH = 2
_BEGINNINGS = {
    "encoder.quant_conv.": "quant_conv.",
    "decoder.post_quant_conv.": "post_quant_conv.",
}
_STATISTICS = ("bn.running_mean", "bn.running_var")
_COUNTER = "bn.num_batches_tracked"
"""How many batches the statistics were taken from. Drawing does not use it."""


def vae_flux_2_layout(tensors: Mapping[str, TensorFacts]) -> NetworkLayout:
    """Return the layout of a file, in the original names or in those of diffusers.

    Raises:
        UnusableNetwork: It is not such an autoencoder.
    """
    names = {renamed(name, _BEGINNINGS): name for name in tensors if not name.startswith("bn.")}
    try:
        found = autoencoder_layout({own: tensors[name] for own, name in names.items()})
    except UnusableAddition as error:
        raise UnusableNetwork(error.reason) from error
    facts, levels = found.facts, len(found.facts.widths)
    places = {
        own: _place(own, names[stored], tensors[names[stored]].shape)
        for own, stored in found.names.items()
    }
    for name in _STATISTICS:
        shape_in(tensors, name, 1)
        places[name] = Place(name)
    config = {
        "in_channels": 3,
        "out_channels": 3,
        "down_block_types": ["DownEncoderBlock2D"] * levels,
        "up_block_types": ["UpDecoderBlock2D"] * levels,
        "block_out_channels": list(facts.widths),
        "layers_per_block": facts.layers,
        "act_fn": "silu",
        "latent_channels": facts.channels,
        "norm_num_groups": 32,
        "sample_size": 1024,
        "mid_block_add_attention": facts.attends,
        "use_quant_conv": facts.has_quant,
        "use_post_quant_conv": facts.has_post_quant,
        "batch_norm_eps": 1e-4,
        "batch_norm_momentum": 0.1,
        "patch_size": (_PATCH, _PATCH),
    }
    read = {place.name for place in places.values()}
    return NetworkLayout(config, places, frozenset(tensors) - read)


def _place(own: str, stored: str, shape: tuple[int, ...]) -> Place:
    """Return a place. A projection of an attention may be a convolution of 1 × 1 in the file."""
    is_matrix = ".attentions.0." in own and shape[2:] == (1, 1)
    return Place(stored, shape=shape[:2] if is_matrix else None)
