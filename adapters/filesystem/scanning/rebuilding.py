"""Rebuilds values from the JSON of their fields."""

import dataclasses
import types
import typing
from enum import Enum
from functools import cache
from typing import Any, TypeVar

__all__ = ["rebuilt"]

Value = TypeVar("Value")


def rebuilt(kind: type[Value], plain: Any) -> Value:
    """Return the value whose `dataclasses.asdict` became `plain` in JSON.

    Args:
        kind: A dataclass. Its fields are dataclasses, enumerations, texts, numbers, truth values,
            tuples of one of these, and None.
        plain: The fields by name. A field that is missing gets its default.

    Raises:
        ValueError: A value is not one of its enumeration.
        TypeError: A value has another type, or a field without a default is missing.
    """
    found: Value = _built(kind, plain)
    return found


def _built(hint: Any, plain: Any) -> Any:
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        if plain is None:
            return None
        (hint,) = (each for each in typing.get_args(hint) if each is not type(None))
    if typing.get_origin(hint) is tuple:
        if not isinstance(plain, list):
            raise TypeError(f"{plain!r} is not a list")
        return tuple(_built(typing.get_args(hint)[0], each) for each in plain)
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        if not isinstance(plain, dict):
            raise TypeError(f"{plain!r} is not an object")
        if unknown := plain.keys() - _hints(hint).keys():
            raise TypeError(f"{hint.__name__} has no field {min(unknown)!r}")
        return hint(**{name: _built(_hints(hint)[name], each) for name, each in plain.items()})
    if issubclass(hint, Enum):
        return hint(plain)
    if hint is float and type(plain) is int:
        return float(plain)
    if type(plain) is not hint:
        raise TypeError(f"{plain!r} is not of the type {hint.__name__}")
    return plain


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return typing.get_type_hints(kind)
