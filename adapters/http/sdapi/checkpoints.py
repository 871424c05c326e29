"""Checkpoints by the names that API has for them."""

import re

from adapters.http.model_names import the_one_meant
from domain.models import SHORT_ID, ModelRecord
from domain.services.model_registry import ModelRegistry

__all__ = ["chosen_checkpoint", "default_checkpoint", "stem", "title"]

_TITLE = re.compile(rf".+ \[([0-9a-fA-F]{{{SHORT_ID},64}})\]")


def title(model: ModelRecord) -> str:
    """The name in that web UI's lists: the file's, with the first digits of its SHA-256."""
    return f"{model.name} [{model.id[:SHORT_ID]}]"


def stem(model: ModelRecord) -> str:
    """The name without the extension."""
    return model.name[: len(model.name) - len(model.extension)]


def default_checkpoint(registry: ModelRegistry) -> ModelRecord | None:
    """What is drawn with where nothing is named: the first by path that can be; None for none."""
    return next((model for model in registry.models() if model.loadable), None)


def chosen_checkpoint(registry: ModelRegistry, wanted: str) -> ModelRecord:
    """The one that `wanted` names by its title, name, stem or SHA-256; the default for "".

    Raises ModelNotFound, ModelsNotRead while that can not be told, and InvalidRequest for several.
    """
    if not wanted and (model := default_checkpoint(registry)) is not None:
        return model
    named = registry.named(wanted)
    if not named and (found := _TITLE.fullmatch(wanted)):
        named = registry.named(found[1])
    if not named:
        named = tuple(model for model in registry.models() if stem(model) == wanted)
    return the_one_meant(registry, named, wanted)
