"""Bounds for the configurations of a model. Listing and loading use the same bounds.

A diffusers folder has its configurations in files. A single file can embed them in its metadata.
The functions here build and import nothing.
"""

from domain.checkpoints.configurations.embedded import CONFIGURATION_FILES, embedded_configuration
from domain.checkpoints.configurations.folder import check_folder
from domain.checkpoints.configurations.json_text import UnusableConfiguration, json_object
from domain.checkpoints.configurations.t5_pieces import (
    PIECES,
    extra_tokens,
    has_pieces_alone,
    tokenizer_of_t5,
)

__all__ = [
    "CONFIGURATION_FILES",
    "PIECES",
    "UnusableConfiguration",
    "check_folder",
    "embedded_configuration",
    "extra_tokens",
    "has_pieces_alone",
    "json_object",
    "tokenizer_of_t5",
]
