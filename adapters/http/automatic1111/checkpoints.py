"""Checkpoints by the names that API has for them."""

import re

from domain.errors import ModelNotFound, ModelsNotRead
from domain.models.record import SHORT_ID, ModelRecord
from domain.services.model_registry import ModelRegistry

__all__ = ["chosen_checkpoint", "stem", "title"]

_TITLE = re.compile(rf".+ \[([0-9a-fA-F]{{{SHORT_ID},64}})\]")


def title(model: ModelRecord) -> str:
    """The name in that web UI's lists: the file's, with the first digits of its SHA-256."""
    return f"{model.name} [{model.id[:SHORT_ID]}]"


def stem(model: ModelRecord) -> str:
    """The name without the extension."""
    return model.name[: len(model.name) - len(model.extension)]


def chosen_checkpoint(registry: ModelRegistry, wanted: str) -> ModelRecord:
    """The one that `wanted` names: by the rule of every door, or by its title; the default for "".

    The digits of a title decide, so a title never means another file that has the same name.

    Raises ModelNotFound, ModelsNotRead and NoModel, as `ModelRegistry.resolve`.
    """
    try:
        return registry.resolve(wanted)
    except ModelNotFound:
        titled = _TITLE.fullmatch(wanted)
        if titled is None:
            raise
        found = registry.named(titled[1])
        if not found and registry.awaits(titled[1]):
            raise ModelsNotRead(wanted) from None
        if len(found) != 1:
            raise
        return found[0]
