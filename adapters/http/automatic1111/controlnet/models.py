"""The names that ControlNet's extension of the web UI has for its models."""

import re
from collections.abc import Mapping

from adapters.http.automatic1111.checkpoints import stem
from adapters.http.automatic1111.networks.names import found_beside, usable
from domain.errors import ModelNotFound
from domain.models.record import ModelKind, ModelRecord
from domain.services.model_registry import ModelRegistry

__all__ = ["NO_MODEL", "chosen_controlnet", "controlnet_title", "controlnets"]

NO_MODEL = "None"
_DIGITS = 8
_OTHERS = re.compile(rf"(?P<name>.+) \[[0-9a-fA-F]{{{_DIGITS}}}\]")
"""A title of the web UI. Its digits are not those of the SHA-256 of the file: `model_hash` in its
`modules/sd_models.py` reads a part of the file only."""


def controlnet_title(model: ModelRecord) -> str:
    """Return the name in `model_list`: the stem of the file, and first digits of its SHA-256."""
    return f"{stem(model)} [{model.id[:_DIGITS]}]"


def controlnets(registry: ModelRegistry) -> Mapping[str, ModelRecord]:
    """Return the ControlNets that a request can name, by their titles, sorted by path."""
    return {controlnet_title(each): each for each in usable(registry, ModelKind.CONTROLNET)}


def chosen_controlnet(
    registry: ModelRegistry, wanted: str, *, field: str
) -> tuple[ModelRecord, str | None]:
    """Return the ControlNet that a unit names, and a warning.

    `wanted` is a name as in `found_beside`. A title of another program has other digits, which this
    service cannot check; so the name before them decides, and the warning says so.

    Raises:
        ModelNotFound, ModelsNotRead: As `found_beside`.
    """
    try:
        return found_beside(registry, wanted, ModelKind.CONTROLNET, field=field), None
    except ModelNotFound as error:
        titled = _OTHERS.fullmatch(wanted)
        if titled is None or error.bearers:
            raise
    model = found_beside(registry, titled["name"], ModelKind.CONTROLNET, field=field)
    return model, (
        f"the digits in {wanted[:80]!a} are not those of a file here; {model.name} has the name "
        f"before them and was drawn with; its title is {controlnet_title(model)!a}"
    )
