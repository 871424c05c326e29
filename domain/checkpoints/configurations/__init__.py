"""What the configurations of a model may say: one set of bounds for listing and for loading.

A diffusers folder has its configurations in files, and a single file can embed them in its
metadata. Nothing here builds or imports anything.
"""

from domain.checkpoints.configurations.embedded import CONFIGURATION_FILES, embedded_configuration
from domain.checkpoints.configurations.folder import check_folder
from domain.checkpoints.configurations.json_text import UnusableConfiguration, json_object

__all__ = [
    "CONFIGURATION_FILES",
    "UnusableConfiguration",
    "check_folder",
    "embedded_configuration",
    "json_object",
]
