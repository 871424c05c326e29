"""Finds what a client of AUTOMATIC1111's API names beside the checkpoint."""

import re
from collections import Counter
from collections.abc import Callable, Mapping

from domain.errors import ModelNotFound, ModelsNotRead
from domain.models.names import bearers
from domain.models.record import SHORT_ID, ModelKind, ModelRecord
from domain.services.model_registry import ModelRegistry

__all__ = ["found_beside", "named_models", "usable"]

_TITLED = re.compile(r"(?P<name>.+) \[(?P<digits>[0-9a-fA-F]{8,64})\]")


def usable(registry: ModelRegistry, kind: ModelKind) -> tuple[ModelRecord, ...]:
    """Return the models of a kind that a request can name, sorted by path."""
    return tuple(each for each in registry.models(kind) if each.usable)


def named_models(
    registry: ModelRegistry, kind: ModelKind, name: Callable[[ModelRecord], str]
) -> Mapping[str, ModelRecord]:
    """Return the models of a kind that a request can name, by their names in this API.

    If two files would have one name, their names are their paths.
    """
    models = usable(registry, kind)
    number = Counter(map(name, models))
    return {each.path if number[name(each)] > 1 else name(each): each for each in models}


def found_beside(
    registry: ModelRegistry, wanted: str, kind: ModelKind, *, field: str
) -> ModelRecord:
    """Return the model of this kind that `wanted` names.

    `wanted` is any name of a model in this service, such as the stem of its file, or a title with
    the first digits of its SHA-256 in brackets. Only models of this kind are looked at, so a
    checkpoint of the same name hides none. If no name is the same, upper and lower case are equal.
    Models that can be used come first; another one is returned if nothing else has the name, so
    that its reason can be told.

    Raises:
        ModelNotFound: No such model has the name, or several have it. It has `field`.
        ModelsNotRead: No model has the name now, and not all files are read.
    """
    models = registry.models(kind)
    found = _named(registry, models, wanted)
    if not found and (titled := _TITLED.fullmatch(wanted)) is not None:
        digits = titled["digits"].lower()
        found = tuple(each for each in models if each.id.startswith(digits))
    if not found:
        if registry.awaits(wanted):
            raise ModelsNotRead(wanted)
        raise ModelNotFound(wanted, field=field, unfinished=registry.unfinished(wanted))
    able = tuple(each for each in found if each.usable)
    if len(able or found) > 1:
        names = tuple(f"{each.path} ({each.id[:SHORT_ID]})" for each in able or found)
        raise ModelNotFound(wanted, bearers=names, field=field)
    return (able or found)[0]


def _named(
    registry: ModelRegistry, models: tuple[ModelRecord, ...], wanted: str
) -> tuple[ModelRecord, ...]:
    if found := bearers(models, wanted):
        return found
    if found := tuple(each for each in registry.named(wanted) if each in models):
        return found  # an alias
    lower = wanted.lower()
    return tuple(
        each
        for each in models
        if lower in (each.name.lower(), each.name.lower().removesuffix(each.extension))
    )
