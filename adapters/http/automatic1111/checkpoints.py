"""The names that AUTOMATIC1111's API has for checkpoints."""

import re

from domain.errors import ModelNotFound, ModelsNotRead
from domain.generation.fields import MODEL_NAME
from domain.limits import TextLength
from domain.models.record import SHORT_ID, ModelRecord
from domain.services.model_registry import ModelRegistry

__all__ = ["CHECKPOINT_NAME", "chosen_checkpoint", "stem", "title"]

CHECKPOINT_NAME = TextLength(0, MODEL_NAME.maximum)
"""The allowed length of a model's name; empty for the default model."""

_TITLE = re.compile(rf".+ \[([0-9a-fA-F]{{{SHORT_ID},64}})\]")


def title(model: ModelRecord) -> str:
    """Return the name in the web UI's lists: the file name, and the first digits of its SHA-256."""
    return f"{model.name} [{model.id[:SHORT_ID]}]"


def stem(model: ModelRecord) -> str:
    """Return the file name without the extension."""
    return model.name[: len(model.name) - len(model.extension)]


def chosen_checkpoint(registry: ModelRegistry, wanted: str) -> ModelRecord:
    """Return the checkpoint that `wanted` names, or the default one if it is empty.

    `wanted` is a name that every API of this service accepts, or a title. The digits of a title
    decide, so a title never means another file with the same name.

    Raise ModelNotFound, ModelsNotRead and NoModel as `ModelRegistry.resolve` does.
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
