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
from domain.checkpoints.sets.networks.autoencoders.autoencoder import kl_configuration, kl_place
from domain.checkpoints.sets.networks.pieces import with_new_start
from domain.checkpoints.sets.networks.places import NetworkLayout, Place, UnusableNetwork, shape_in

__all__ = ["vae_flux_2_layout"]

_PATCH = 2
_BEGINNINGS = {
    "encoder.quant_conv.": "quant_conv.",
    "decoder.post_quant_conv.": "post_quant_conv.",
}
_STATISTICS = ("bn.running_mean", "bn.running_var")


def vae_flux_2_layout(tensors: Mapping[str, TensorFacts]) -> NetworkLayout:
    """Return the layout of a file, in the original names or in those of diffusers.

    Raises:
        UnusableNetwork: It is not such an autoencoder.
    """
    names = {
        with_new_start(name, _BEGINNINGS): name for name in tensors if not name.startswith("bn.")
    }
    try:
        found = autoencoder_layout({own: tensors[name] for own, name in names.items()})
    except UnusableAddition as error:
        raise UnusableNetwork(error.reason) from error
    places = {
        own: kl_place(own, names[stored], tensors[names[stored]].shape)
        for own, stored in found.names.items()
    }
    for name in _STATISTICS:
        shape_in(tensors, name, 1)
        places[name] = Place(name)
    config = {
        **kl_configuration(found.facts),
        "batch_norm_eps": 1e-4,
        "batch_norm_momentum": 0.1,
        "patch_size": (_PATCH, _PATCH),
    }
    read = {place.name for place in places.values()}
    return NetworkLayout(config, places, frozenset(tensors) - read)
