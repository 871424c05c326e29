"""The fields for the parts of a request, as the OpenAI door has them."""

from collections.abc import Iterable, Mapping
from typing import Any

from marshmallow import fields

from adapters.http.generation.rules import described_limit
from domain.generation.part_fields import OBJECTS, PART_FIELDS, PartField
from domain.limits import IntegerRange, NumberRange

__all__ = ["part_fields"]


class _Unjudged(fields.Raw):
    """Accepts any JSON value. The part of the request checks it."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        # In JSON Schema, and so in the API's description, 30.0 is an integer.
        if isinstance(value, float) and value.is_integer() and self.metadata["type"] == "integer":
            return int(value)
        return value


def part_fields(names: Iterable[str]) -> Mapping[str, fields.Field[Any]]:
    """Return the fields of a body for these fields of `PART_FIELDS` and `OBJECTS`."""
    return {name: _object(name) if name in OBJECTS else _field(PART_FIELDS[name]) for name in names}


def _field(row: PartField) -> fields.Field[Any]:
    return _Unjudged(metadata=_described(row))


def _object(name: str) -> fields.Field[Any]:
    inside = {
        row.name.partition(".")[2]: _described(row)
        for row in PART_FIELDS.values()
        if row.name.startswith(f"{name}.")
    }
    return _Unjudged(
        metadata={"type": "object", "description": OBJECTS[name], "properties": inside}
    )


def _described(row: PartField) -> dict[str, Any]:
    if isinstance(row.limit, IntegerRange):
        kind = "integer"
    else:
        kind = "number" if isinstance(row.limit, NumberRange) else "string"
    default = {} if row.default is None else {"default": row.default}
    return {
        "type": kind,
        "description": row.meaning,
        **described_limit(row, row.limit),
        **default,
    }
