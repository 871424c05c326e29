"""The parts of a request in the flat form that answers have.

A picture is `{"id": …}` there, also if the client sent its file. So the form can be sent again.
"""

from collections.abc import Iterator
from typing import Any

from domain.generation.forms.part_fields import (
    PART_FIELDS,
    PARTS,
    SOURCE_FIELDS,
    AnyPartField,
    PartObject,
)

__all__ = ["FLAT", "differing_parts", "flat_parts"]

_OTHERS = tuple(name for name in PARTS if name not in SOURCE_FIELDS)
FLAT = ("source", *_OTHERS)
"""The fields of a `GenerationRequest` that have a flat form."""


def flat_parts(request: Any) -> dict[str, Any]:
    """Return the parts of a `GenerationRequest` by the names of `PARTS`, as plain values.

    A part that the request does not have is left out, and so is an optional field that is None. A
    part inside an object is None if the object does not have it.
    """
    found: dict[str, Any] = {}
    if (source := request.source) is not None:
        for name in SOURCE_FIELDS:
            if (value := getattr(source, name)) is not None:
                found[name] = _flat(PART_FIELDS[name], value)
    for name in _OTHERS:
        if name in request.parts:
            found[name] = _flat(PARTS[name], getattr(request, name))
    return found


def differing_parts(one: Any, other: Any) -> Iterator[str]:
    """Return the paths of the values that differ between two requests, such as `loras[1].scale`.

    Lists of different lengths differ as a whole, and so do objects that only one request has.
    """
    if all(getattr(one, name) == getattr(other, name) for name in FLAT):
        return
    first, second = flat_parts(one), flat_parts(other)
    for name, field in PARTS.items():
        yield from _differing(field, first.get(name), second.get(name), name)


def _flat(field: AnyPartField, value: Any) -> Any:
    if value is None:
        return None
    if isinstance(value, tuple):
        return [_flat(field, each) for each in value]
    if isinstance(field, PartObject):
        members = {own: _flat(member, getattr(value, own)) for own, member in field.members.items()}
        if field.short:  # what its other forms do not have is left out
            return {own: each for own, each in members.items() if each is not None}
        return members
    return {"id": value.id} if field.is_picture else value


def _differing(field: AnyPartField, one: Any, other: Any, path: str) -> Iterator[str]:
    if one == other:
        return
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for number, pair in enumerate(zip(one, other, strict=True)):
            yield from _differing(field, *pair, f"{path}[{number}]")
    elif isinstance(field, PartObject) and isinstance(one, dict) and isinstance(other, dict):
        for own, member in field.members.items():
            yield from _differing(member, one.get(own), other.get(own), f"{path}.{own}")
    else:
        yield path
