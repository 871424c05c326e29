"""The checkpoint families that can be loaded from a single file."""

from adapters.diffusion.families.configuration import configuration_files
from domain.checkpoints.families import FAMILIES
from domain.checkpoints.names import with_modern_names

__all__ = [
    "FAMILIES",
    "configuration_files",
    "with_modern_names",
]
