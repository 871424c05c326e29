"""Whether values that were read from JSON have the types that their dataclass declares."""

import dataclasses
import math
import types
import typing
from functools import cache
from typing import Any

__all__ = ["is_number", "wrong_fields"]


def is_number(value: object) -> bool:
    """Return True if the value is a number that can be a time, in a year that dates support."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value) and abs(value) < 2**35


def wrong_fields(value: Any) -> list[str]:
    """Return the names of a dataclass's fields whose values do not have the declared type.

    Understands what the dataclasses of jobs declare: numbers, text, enums, other dataclasses,
    tuples of one type, dictionaries, and unions of these. A `float` must be a possible time.
    """
    kinds = _kinds(value.__class__)
    return [name for name, kind in kinds.items() if not _has_type(getattr(value, name), kind)]


def _has_type(value: object, kind: Any) -> bool:
    if kind is float:
        return is_number(value)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if isinstance(kind, types.UnionType):
        return any(_has_type(value, each) for each in typing.get_args(kind))
    if typing.get_origin(kind) is tuple:
        each = typing.get_args(kind)[0]
        return isinstance(value, tuple) and all(_has_type(one, each) for one in value)
    if typing.get_origin(kind) is dict:  # of facts, which are checked where they are used
        return isinstance(value, dict)
    if not isinstance(value, kind):
        return False
    return not (dataclasses.is_dataclass(kind) and wrong_fields(value))


@cache
def _kinds(kind: type) -> dict[str, Any]:
    hints = typing.get_type_hints(kind)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind)}
