"""Takes the place of the autoencoder in a checkpoint that has none."""

from collections.abc import Mapping
from typing import Any, NoReturn

import torch
from diffusers import AutoencoderKL

from domain.errors import GenerationFailed

__all__ = ["NoAutoencoder", "stand_in"]


class NoAutoencoder(AutoencoderKL):
    """Has the configuration of an autoencoder, and next to no weights. It never draws.

    Each drawing of such a checkpoint names the autoencoder of another file.
    """

    def encode(self, *_: Any, **__: Any) -> NoReturn:
        """Raise GenerationFailed."""
        raise GenerationFailed("the checkpoint holds no VAE, and the request names none")

    def decode(self, *_: Any, **__: Any) -> NoReturn:
        """Raise GenerationFailed."""
        raise GenerationFailed("the checkpoint holds no VAE, and the request names none")


def stand_in(config: Mapping[str, Any]) -> NoAutoencoder:
    """Return a network in place of the autoencoder with this configuration of diffusers."""
    told = {name: value for name, value in config.items() if not name.startswith("_")}
    narrow = [told.get("norm_num_groups", 32)] * len(told["block_out_channels"])
    with torch.device("meta"):
        network: Any = NoAutoencoder.from_config({**told, "block_out_channels": narrow})
    network.to_empty(device="cpu")
    for tensor in (*network.parameters(), *network.buffers()):
        tensor.data.zero_()
    network.register_to_config(**told)
    made: NoAutoencoder = network.eval().requires_grad_(False)
    return made
