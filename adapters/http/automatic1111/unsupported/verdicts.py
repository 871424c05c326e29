"""What a value that is not read comes to: nothing, a word to the client, or a refusal."""

from collections.abc import Callable, Mapping
from enum import Enum, auto
from typing import Any

__all__ = ["NOTHING", "Rule", "Verdict", "ignored", "no_effect", "nothing_but"]

NOTHING: tuple[object, ...] = (None, False, 0, "", [], {})
"""Asks for nothing in any field."""


class Verdict(Enum):
    """What becomes of a value."""

    NOTHING = auto()
    """It asks for nothing, or for what is done anyway."""
    IGNORED = auto()
    """It is not followed, and the answer names it."""
    REFUSED = auto()
    """It would change the picture, and that cannot be done here."""


Rule = Callable[[Any, Mapping[str, Any]], Verdict]
"""The verdict on a value, in a request of these fields."""


def no_effect(value: Any, sent: Mapping[str, Any]) -> Verdict:
    """Of what changes no picture that is drawn here."""
    return Verdict.NOTHING


def ignored(value: Any, sent: Mapping[str, Any]) -> Verdict:
    """Of what nobody here knows."""
    return Verdict.NOTHING if value in NOTHING else Verdict.IGNORED


def nothing_but(*values: object) -> Rule:
    """Of what would change the picture, unless it is one of `values`, or nothing."""

    def rule(value: Any, sent: Mapping[str, Any]) -> Verdict:
        return Verdict.NOTHING if value in (*NOTHING, *values) else Verdict.REFUSED

    return rule
