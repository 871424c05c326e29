"""The autoencoders of FLUX.1 and of Stable Diffusion 3, which have sixteen channels.

Sources: the published configurations of black-forest-labs/FLUX.1-dev and
stabilityai/stable-diffusion-3-medium-diffusers (`vae/config.json`).
"""

from collections.abc import Mapping

from domain.checkpoints.additions.autoencoder_layout import AutoencoderFacts, autoencoder_layout
from domain.checkpoints.additions.unusable import UnusableAddition
from domain.checkpoints.header_values import TensorFacts
from domain.checkpoints.sets.networks.places import (
    LayoutOf,
    NetworkLayout,
    Place,
    UnusableNetwork,
)

__all__ = ["FLUX_LATENTS", "SD_3_LATENTS", "autoencoder_of", "kl_configuration", "kl_place"]

_CHANNELS = 16
FLUX_LATENTS = (0.3611, 0.1159)
"""The factor and the shift of the latents of FLUX.1 and Chroma."""
SD_3_LATENTS = (1.5305, 0.0609)
"""The factor and the shift of the latents of Stable Diffusion 3 and 3.5."""


def autoencoder_of(latents: tuple[float, float]) -> LayoutOf:
    """Return the function that finds such an autoencoder (`AutoencoderKL`) in a file.

    Args:
        latents: The factor and the shift of its latents. No file says them.
    """

    def layout_of(tensors: Mapping[str, TensorFacts]) -> NetworkLayout:
        try:
            found = autoencoder_layout(tensors)
        except UnusableAddition as error:
            raise UnusableNetwork(error.reason) from error
        facts = found.facts
        if facts.channels != _CHANNELS:
            raise UnusableNetwork(
                f"its latents have {facts.channels} channels, and the transformer draws {_CHANNELS}"
            )
        config = {
            **kl_configuration(facts),
            "scaling_factor": latents[0],
            "shift_factor": latents[1],
            "force_upcast": True,
        }
        places = {
            own: kl_place(own, stored, tensors[stored].shape) for own, stored in found.names.items()
        }
        read = {place.name for place in places.values()}
        return NetworkLayout(config, places, frozenset(tensors) - read)

    return layout_of


def kl_configuration(facts: AutoencoderFacts) -> dict[str, object]:
    """Return the fields of the configuration that a header tells, and those that are always so."""
    levels = len(facts.widths)
    return {
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
    }


def kl_place(own: str, stored: str, shape: tuple[int, ...]) -> Place:
    """Return the place of the tensor `own` in a file, where it has the name `stored` and `shape`.

    A projection of an attention may be a convolution of 1 × 1 in the file.
    """
    is_matrix = ".attentions.0." in own and shape[2:] == (1, 1)
    return Place(stored, shape=shape[:2] if is_matrix else None)
