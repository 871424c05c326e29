"""Reads the fields of a request that another release stored."""

import dataclasses
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any

from domain.errors import InvalidRequest
from domain.generation.forms.plain import built_part, part_names
from domain.generation.output_formats import OutputFormat
from domain.generation.parts import PromptSyntax
from domain.samplers import Scheduler

__all__ = ["stored_values"]

_TEXTS = frozenset({"id", "model_id", "prompt"})
_WORDS: Mapping[str, type[StrEnum]] = {
    "scheduler": Scheduler,
    "output_format": OutputFormat,
    "prompt_syntax": PromptSyntax,
}
_OPTIONAL_TEXTS = frozenset({"negative_prompt", "scheduler", "vae_id"})
_OPTIONAL_NUMBERS = frozenset({"scale"})


def stored_values(kind: Any, values: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """Return each field of the class `kind` of requests, with its stored value or its default.

    Raise ValueError if `id`, `model_id` or `prompt` is missing, or not text, and if a part without
    a default cannot be read.
    """
    parts = part_names(kind)
    for field in dataclasses.fields(kind):
        name, value = field.name, values.get(field.name)
        if name in _TEXTS and not isinstance(value, str):
            raise ValueError(f"{name} is not text")
        if name in parts:
            yield name, _part(kind, name, value, field.default)
        elif not _is_like(value, field.default, name):
            yield name, field.default
        else:
            yield name, _word(name, value)


def _part(kind: Any, name: str, value: object, default: object) -> object:
    try:
        found = default if value is None else built_part(kind, name, value)
    except (InvalidRequest, ValueError, TypeError):
        found = default
    if found is dataclasses.MISSING:
        raise ValueError(f"{name} is missing, or cannot be read")
    return found


def _word(name: str, value: object) -> object:
    words = _WORDS.get(name)
    if words is not None and isinstance(value, str) and value in list(words):
        return words(value)
    return value


def _is_like(value: object, default: object, name: str) -> bool:
    """Return whether a stored value has the type of the field with this name."""
    if name in _TEXTS or (name in _OPTIONAL_TEXTS and value is not None):
        return isinstance(value, str)
    if value is None:
        return default is None
    if isinstance(default, str):
        return isinstance(value, str)
    may_be_float = isinstance(default, float) or name in _OPTIONAL_NUMBERS
    kinds = int | float if may_be_float else int
    return isinstance(value, kinds) and not isinstance(value, bool)
