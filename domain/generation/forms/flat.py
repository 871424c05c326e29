"""The parts of a request in the flat form that answers have.

A picture is `{"id": …}` there, also if the client sent its file. So the form can be sent again.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from domain.generation.forms.part_fields import OBJECTS, PART_FIELDS, SOURCE_FIELDS

__all__ = ["FLAT", "differing_parts", "flat_parts"]

FLAT = ("source", *OBJECTS)
"""The fields of a `GenerationRequest` that have a flat form."""


def flat_parts(request: Any) -> dict[str, Any]:
    """Return the parts of a `GenerationRequest` by the names of `PART_FIELDS`, as plain values.

    A part that the request does not have is left out, and so is an optional field that is None.
    """
    found: dict[str, Any] = {}
    if (source := request.source) is not None:
        for name in SOURCE_FIELDS:
            if (value := getattr(source, name)) is not None:
                found[name] = {"id": value.id} if PART_FIELDS[name].is_picture else value
    for name in OBJECTS:
        if (part := getattr(request, name)) is not None:
            found[name] = {own: getattr(part, own) for own in _OWN[name]}
    return found


def differing_parts(one: Any, other: Any) -> Iterator[str]:
    """Return the names of `PART_FIELDS` whose values differ between two requests."""
    if all(getattr(one, name) == getattr(other, name) for name in FLAT):
        return
    first, second = _dotted(flat_parts(one)), _dotted(flat_parts(other))
    for name in PART_FIELDS:
        if first.get(name) != second.get(name):
            yield name


def _dotted(flat: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: value for name, value in flat.items() if name not in OBJECTS}
    for name in OBJECTS:
        found |= {f"{name}.{own}": value for own, value in flat.get(name, {}).items()}
    return found


_OWN = {
    name: tuple(path.partition(".")[2] for path in PART_FIELDS if path.startswith(f"{name}."))
    for name in OBJECTS
}
