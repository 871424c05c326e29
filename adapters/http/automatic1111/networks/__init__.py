"""What a prompt names beside the checkpoint, and the names of LoRAs, embeddings and VAEs."""

from adapters.http.automatic1111.networks.beside import BuildNetworks, BuiltNetworks, Mismatch
from adapters.http.automatic1111.networks.names import found_beside, usable
from adapters.http.automatic1111.networks.prompts import AskedLora, PromptNetworks, read_networks

__all__ = [
    "AskedLora",
    "BuildNetworks",
    "BuiltNetworks",
    "Mismatch",
    "PromptNetworks",
    "found_beside",
    "read_networks",
    "usable",
]
