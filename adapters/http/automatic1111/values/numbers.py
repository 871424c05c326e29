"""Numbers and truth values as clients of AUTOMATIC1111's API send them."""

import re
from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields

from domain.limits import NumberRange

__all__ = ["FlagField", "NumberField", "as_flag", "as_number"]

_NUMBER = re.compile(r"\s*-?[0-9]{1,20}(\.[0-9]{1,20})?\s*")
_EXACT = 2**53
_FLAGS: Mapping[str, bool] = {"true": True, "1": True, "false": False, "0": False}


def as_number(value: Any) -> Any:
    """Return the number in a text, and a float without a fraction as an integer.

    AUTOMATIC1111's API accepts both. Other values do not change.
    """
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        value = float(value) if "." in value else int(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        value = int(value)
    return value


def as_flag(value: Any) -> Any:
    """Return the truth value that 0, 1, or a word for true or false stands for.

    AUTOMATIC1111's API accepts them. Other values do not change.
    """
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float) and value in (0, 1):
        return bool(value)
    return _FLAGS.get(value.strip().lower(), value) if isinstance(value, str) else value


class NumberField(fields.Float):
    """A finite number within `limit`, or text that holds one."""

    def __init__(self, limit: NumberRange, **options: Any) -> None:
        described = {
            "minimum": limit.minimum,
            "maximum": limit.maximum,
            **options.pop("metadata", {}),
        }
        super().__init__(metadata=described, **options)
        self._limit = limit

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        value = as_number(value)
        if message := self._limit.problem(value):
            raise ValidationError(message)
        return float(value)


class FlagField(fields.Boolean):
    """A truth value, or 0, 1, or a word for true or false."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        if isinstance(found := as_flag(value), bool):
            return found
        raise ValidationError("must be true or false")
