"""marshmallow fields with the limits of the domain."""

from collections.abc import Callable, Mapping
from typing import Any

from marshmallow import ValidationError, fields, validate

from adapters.http.generation.rules import described_limit
from domain.generation.fields import FIELDS
from domain.limits import IntegerRange, Limit, NumberRange, OneOf, TextLength

__all__ = [
    "CheckedBoolean",
    "CheckedString",
    "LimitedInteger",
    "LimitedString",
    "answer_field",
    "request_field",
]

_MESSAGES: dict[str, Any] = {"required": "is required", "null": "must not be null"}


class _Unjudged:
    """Accepts any JSON value. The domain checks it with the other fields of its request."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        return value

    def _validate(self, value: Any) -> None:
        """Do nothing: marshmallow calls this with every value, and the domain checks it."""


class _Text(_Unjudged, fields.String):
    pass


class _Number(_Unjudged, fields.Float):
    pass


class _Integer(_Unjudged, fields.Integer):
    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        # In JSON Schema, and so in the API's description, 30.0 is an integer.
        return int(value) if isinstance(value, float) and value.is_integer() else value


_KINDS: Mapping[type[Limit], type[fields.Field[Any]]] = {
    IntegerRange: _Integer,
    NumberRange: _Number,
    TextLength: _Text,
    OneOf: _Text,
}


def request_field(
    name: str,
    limits: Mapping[str, Limit],
    *,
    metadata: Mapping[str, Any] | None = None,
    **options: Any,
) -> fields.Field[Any]:
    """Return the field of a body for this field of a `GenerationRequest`. It checks nothing.

    `metadata` replaces parts of the description for one API.
    """
    row, limit = FIELDS[name], limits[name]
    kind = next(each for of, each in _KINDS.items() if isinstance(limit, of))
    told = {"description": row.meaning, **described_limit(row, limit), **(metadata or {})}
    if "enum" in told and options.get("allow_none"):
        told["enum"] = [*told["enum"], None]
    field = kind(error_messages=_MESSAGES, metadata=told, **options)
    field.limit_name = name  # type: ignore[attr-defined]
    return field


def answer_field(name: str, *, within: str = "", any_word: bool = False) -> fields.Field[Any]:
    """Return the field of an answer for this field of a `GenerationRequest` with its seed.

    Args:
        name: The name of the field.
        within: The attribute that holds the request; empty if the answer itself does.
        any_word: Whether its value may be a word that only another release knows.
    """
    row = FIELDS[name]
    options: dict[str, Any] = {"allow_none": True} if row.is_optional and name != "seed" else {}
    if within:
        options["attribute"] = f"{within}.{name}"
    if isinstance(row.limit, IntegerRange):
        return fields.Integer(**options)
    if isinstance(row.limit, NumberRange):
        return fields.Float(**options)
    if isinstance(row.limit, OneOf) and not any_word:
        words: Any = type(row.limit.words[0])
        return fields.Enum(words, by_value=True, **options)
    return fields.String(**options)


class _Checked:
    """Accepts a JSON value unchanged, or raises the domain's message about it.

    marshmallow's own fields would turn "30" into 30. Their validators here are only for the API's
    description; the domain checks the value.
    """

    problem: Callable[[object], str | None]

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **_: Any
    ) -> Any:
        if message := self.problem(value):
            raise ValidationError(message)
        return value


class LimitedInteger(_Checked, fields.Integer):
    """A JSON integer within `limit`."""

    def __init__(self, limit: IntegerRange, **options: Any) -> None:
        bounds = validate.Range(limit.minimum, limit.maximum)
        super().__init__(strict=True, validate=bounds, error_messages=_MESSAGES, **options)
        self.problem = limit.problem

    def _deserialize(self, value: Any, *args: Any, **options: Any) -> Any:
        # In JSON Schema, and so in the API's description, 30.0 is an integer.
        whole = isinstance(value, float) and value.is_integer()
        return super()._deserialize(int(value) if whole else value, *args, **options)


class LimitedString(_Checked, fields.String):
    """JSON text within `limit` that `problem` accepts. By default `problem` is that of `limit`."""

    def __init__(
        self,
        limit: TextLength,
        problem: Callable[[object], str | None] | None = None,
        **options: Any,
    ) -> None:
        bounds = validate.Length(limit.minimum, limit.maximum)
        described = {"pattern": limit.PATTERN, **options.pop("metadata", {})}
        super().__init__(validate=bounds, error_messages=_MESSAGES, metadata=described, **options)
        self.problem = problem or limit.problem


class CheckedBoolean(_Checked, fields.Boolean):
    """A JSON `true` or `false`, and nothing that resembles one."""

    def problem(self, value: object) -> str | None:
        """Return what is wrong with `value`, in words; None if it is valid."""
        return None if isinstance(value, bool) else f"is {ascii(value)[:40]}; it must be a boolean"


class CheckedString(_Checked, fields.String):
    """JSON text that `problem` accepts."""

    def __init__(self, problem: Callable[[object], str | None], **options: Any) -> None:
        super().__init__(error_messages=_MESSAGES, **options)
        self.problem = problem
