"""marshmallow fields that take their bounds from the domain."""

from collections.abc import Callable, Mapping
from typing import Any

from marshmallow import ValidationError, fields, validate

from domain.limits import IntegerRange, NumberRange, OneOf, TextLength, one_line_end

__all__ = ["CheckedString", "LimitedInteger", "LimitedNumber", "LimitedString", "OneWord"]

_MESSAGES: dict[str, Any] = {"required": "is required", "null": "must not be null"}


class _Checked:
    """Takes a JSON value as it is, or says what the domain says of it.

    marshmallow's own fields would turn "30" into 30. The validators given to them are for the
    API's description; the check itself is the domain's.
    """

    problem: Callable[[object], str | None]
    limit_name: str | None = None
    """Which field of a `GenerationRequest` it is."""

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


class LimitedNumber(_Checked, fields.Float):
    """A finite JSON number within `limit`."""

    def __init__(self, limit: NumberRange, **options: Any) -> None:
        bounds = validate.Range(limit.minimum, limit.maximum)
        super().__init__(validate=bounds, error_messages=_MESSAGES, **options)
        self.problem = limit.problem


class LimitedString(_Checked, fields.String):
    """JSON text within `limit`, that `problem` finds nothing wrong with: `limit`'s own, if none.

    With `lines` it may have lines, and every kind of line end becomes a newline first.
    """

    def __init__(
        self,
        limit: TextLength,
        problem: Callable[[object], str | None] | None = None,
        *,
        lines: bool = False,
        **options: Any,
    ) -> None:
        bounds = validate.Length(limit.minimum, limit.maximum)
        pattern = limit.LINES_PATTERN if lines else limit.PATTERN
        described = {"pattern": pattern, **options.pop("metadata", {})}
        super().__init__(validate=bounds, error_messages=_MESSAGES, metadata=described, **options)
        self.problem = problem or limit.problem
        self._lines = lines

    def _deserialize(self, value: Any, *args: Any, **options: Any) -> Any:
        if self._lines and isinstance(value, str):
            value = one_line_end(value)
        return super()._deserialize(value, *args, **options)


class OneWord(_Checked, fields.String):
    """JSON text that is one of `limit`'s words."""

    def __init__(self, limit: OneOf, **options: Any) -> None:
        words = validate.OneOf(limit.words)
        super().__init__(validate=words, error_messages=_MESSAGES, **options)
        self.problem = limit.problem


class CheckedString(_Checked, fields.String):
    """JSON text that `problem` finds nothing wrong with."""

    def __init__(self, problem: Callable[[object], str | None], **options: Any) -> None:
        super().__init__(error_messages=_MESSAGES, **options)
        self.problem = problem
