"""Converts a request to plain values for JSON, and back."""

import dataclasses
import types
import typing
from collections.abc import Mapping
from functools import cache
from typing import Any

from domain.errors import FieldProblem, InvalidRequest

__all__ = ["built_part", "part_names", "plain_values"]

_ALWAYS = frozenset(
    {
        *("id", "model_id", "prompt", "negative_prompt", "num_inference_steps", "guidance_scale"),
        *("width", "height", "seed", "num_images", "scheduler", "output_format", "quality"),
    }
)
"""The fields of the first releases. A later field is left out if it has its default. So a request
without that field is stored and compared as it was before the field existed."""


def plain_values(request: Any) -> dict[str, Any]:
    """Return the fields of a request by name. Its parts are objects, or lists of objects."""
    kind: Any = type(request)
    return {
        name: _plain(value)
        for name, default in _defaults(kind)
        if (value := getattr(request, name)) != default or name in _ALWAYS
    }


def part_names(kind: Any) -> frozenset[str]:
    """Return the fields of a request whose values are parts or tuples of parts."""
    return frozenset(name for name, hint in _hints(kind).items() if _part_of(hint) is not None)


def built_part(kind: Any, name: str, value: Any) -> Any:
    """Return the part or the tuple of parts of the field `name`, made of its plain `value`.

    Raises:
        InvalidRequest: A value in it is wrong. The row names the field, such as `loras[1].scale`.
        ValueError: It has another shape.
    """
    return _built(_hints(kind)[name], value, name)


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    if dataclasses.is_dataclass(value):
        return {
            field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)
        }
    return value


def _built(hint: Any, value: Any, path: str) -> Any:
    part = _part_of(hint)
    if part is None or value is None:
        return value
    if typing.get_origin(hint) is tuple:
        if not isinstance(value, list | tuple):
            raise ValueError(f"{path} is not a list")
        return tuple(_built(part, each, f"{path}[{number}]") for number, each in enumerate(value))
    hints = _hints(part)
    if not isinstance(value, Mapping):
        raise ValueError(f"{path} is not an object")
    if unknown := value.keys() - hints.keys():
        raise ValueError(f"{path}.{min(unknown)} is not a field that this release knows")
    values = {name: _built(hints[name], each, f"{path}.{name}") for name, each in value.items()}
    try:
        return part(**values)
    except TypeError as error:
        raise ValueError(f"{path}: {error}") from error
    except InvalidRequest as error:
        rows = [FieldProblem(f"{path}.{row.field}", row.message) for row in error.problems]
        raise InvalidRequest(rows) from error


def _part_of(hint: Any) -> Any:
    """Return the dataclass in a type hint, also of an optional or a tuple; None without one."""
    if isinstance(hint, types.UnionType):
        hint = next(each for each in typing.get_args(hint) if each is not types.NoneType)
    if typing.get_origin(hint) is tuple:
        hint = typing.get_args(hint)[0]
    return hint if dataclasses.is_dataclass(hint) else None


@cache
def _hints(kind: Any) -> dict[str, Any]:
    hints = typing.get_type_hints(kind)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind)}


@cache
def _defaults(kind: Any) -> tuple[tuple[str, Any], ...]:
    return tuple((field.name, field.default) for field in dataclasses.fields(kind))
