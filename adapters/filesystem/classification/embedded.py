"""Checkpoints in the original layout that embed their configuration in their metadata."""

import json

from adapters.filesystem.classification.checkpoints import UNET
from adapters.filesystem.classification.extras import quantised, unexpected_of_any_size
from adapters.filesystem.headers.values import Header
from domain.checkpoints.configurations import (
    CONFIGURATION_FILES,
    UnusableConfiguration,
    embedded_configuration,
)

__all__ = ["configuration_problem"]

_CONFIGURED_PARTS = (UNET, "cond_stage_model.")


def configuration_problem(header: Header) -> str | None:
    """Return what is wrong with an original-layout checkpoint that embeds its configuration.

    It must embed all of it, because loading then takes none of it from a family.
    """
    absent = [name for name in CONFIGURATION_FILES if name not in header.metadata]
    if absent:
        return f"its embedded configuration lacks {', '.join(sorted(absent))}"
    try:
        index = json.loads(header.metadata["model_index.json"])
    except (ValueError, RecursionError):
        index = None
    if not isinstance(index, dict) or index.get("_class_name") != "StableDiffusionPipeline":
        return "its embedded configuration is not that of a StableDiffusionPipeline"
    for part in _CONFIGURED_PARTS:
        if not any(name.startswith(part) for name in header.tensors):
            return f"its embedded configuration is for more than it holds: no tensor of {part[:-1]}"
    try:
        embedded_configuration(header.metadata)
    except UnusableConfiguration as error:
        return error.reason
    return quantised(header) or unexpected_of_any_size(header.tensors)
