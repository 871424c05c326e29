"""Whether the parts of a diffusers folder are complete, checked before anything is loaded."""

from adapters.filesystem.folder_parts.components import (
    CONFIGURATION_BYTES,
    component_problem,
    object_in,
)
from adapters.filesystem.folder_parts.needed import unnamed_parts

__all__ = [
    "CONFIGURATION_BYTES",
    "component_problem",
    "object_in",
    "unnamed_parts",
]
