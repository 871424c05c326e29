"""What a prompt names beside the checkpoint, and the names of LoRAs, embeddings and VAEs."""

from adapters.http.automatic1111.networks.beside import BuildNetworks, BuiltNetworks
from adapters.http.automatic1111.networks.fitting import Mismatch
from adapters.http.automatic1111.networks.names import found_beside, named_models, usable
from adapters.http.automatic1111.networks.prompts import (
    AskedLora,
    PromptNetworks,
    network_in,
    read_networks,
)
from adapters.http.automatic1111.networks.vaes import (
    AUTOMATIC,
    OWN_VAES,
    chosen_vae,
    is_own_vae,
    vae_name,
    vaes,
)

__all__ = [
    "AUTOMATIC",
    "OWN_VAES",
    "AskedLora",
    "BuildNetworks",
    "BuiltNetworks",
    "Mismatch",
    "PromptNetworks",
    "chosen_vae",
    "found_beside",
    "is_own_vae",
    "named_models",
    "network_in",
    "read_networks",
    "usable",
    "vae_name",
    "vaes",
]
