"""The checks that parts of a request share."""

from collections.abc import Callable, Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from domain.errors import FieldProblem, InvalidRequest
from domain.limits import Limit
from domain.pictures import MOST_PIXELS_SENT, PictureRef

__all__ = ["Rule", "is_a", "own_problems", "picture_problem", "refuse", "settle"]

Rule = Callable[[Any], str | None]
"""Returns what is wrong with a value; None if it is valid."""


def own_problems(
    part: object,
    limits: Mapping[str, Limit],
    rules: Mapping[str, Rule] = MappingProxyType({}),
    *,
    optional: Collection[str] = (),
) -> list[FieldProblem]:
    """Return what is wrong with each field of a part by itself."""
    checks: dict[str, Rule] = {
        **rules,
        **{name: limit.problem for name, limit in limits.items()},
    }
    rows = []
    for name, check in checks.items():
        value = getattr(part, name)
        if value is None and name in optional:
            continue
        if (message := check(value)) is not None:
            rows.append(FieldProblem(name, message))
    return rows


def refuse(problems: Sequence[FieldProblem]) -> None:
    """Raise InvalidRequest if there are problems."""
    if problems:
        raise InvalidRequest(problems)


def settle(part: object, kind: Callable[[Any], object], *names: str) -> None:
    """Keep the values of these fields as `kind` has them, so that equal parts are equal."""
    for name in names:
        if (value := getattr(part, name)) is not None:
            object.__setattr__(part, name, kind(value))


def picture_problem(value: object) -> str | None:
    """Return what is wrong with a picture of a request; None if it is valid."""
    if not isinstance(value, PictureRef):
        return "must be a picture"
    if value.pixels > MOST_PIXELS_SENT:
        return (
            f"has {value.width} x {value.height} pixels, which are {value.pixels}; a request takes "
            f"pictures of at most {MOST_PIXELS_SENT}"
        )
    return None


def is_a(kind: type) -> Rule:
    """Return the rule that a value has one of these types."""
    return lambda value: None if isinstance(value, kind) else f"must be a {kind.__name__}"
