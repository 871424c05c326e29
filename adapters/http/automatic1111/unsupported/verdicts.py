"""The verdicts on a value that the service does not read: accept, report or refuse it."""

from collections.abc import Callable, Mapping
from enum import Enum, auto
from typing import Any

__all__ = ["NOTHING", "Rule", "Verdict", "ignored", "no_effect", "nothing_but", "only"]

NOTHING: tuple[object, ...] = (None, False, 0, "", [], {})
"""Values without effect in any field."""


class Verdict(Enum):
    """What the service does with a value."""

    NOTHING = auto()
    """The value is accepted: it has no effect, or matches what the service does anyway."""
    IGNORED = auto()
    """The value is not followed, and the answer names its field."""
    REFUSED = auto()
    """The value would change the picture, and the service does not support it."""


Rule = Callable[[Any, Mapping[str, Any]], Verdict]
"""The verdict on a value, in a request of these fields."""


def no_effect(value: Any, sent: Mapping[str, Any]) -> Verdict:
    """The rule for fields that change no picture of this service."""
    return Verdict.NOTHING


def ignored(value: Any, sent: Mapping[str, Any]) -> Verdict:
    """The rule for fields that this service does not know."""
    return Verdict.NOTHING if value in NOTHING else Verdict.IGNORED


def nothing_but(*values: object) -> Rule:
    """The rule for fields that would change the picture, unless the value is one of `values`."""

    def rule(value: Any, sent: Mapping[str, Any]) -> Verdict:
        return Verdict.NOTHING if value in (*NOTHING, *values) else Verdict.REFUSED

    return rule


def only(*values: object) -> Rule:
    """The rule for fields whose zero would change the picture: one of `values`, or left out."""

    def rule(value: Any, sent: Mapping[str, Any]) -> Verdict:
        is_left_out = value is None or value in ("", [], {})
        return Verdict.NOTHING if is_left_out or value in values else Verdict.REFUSED

    return rule
