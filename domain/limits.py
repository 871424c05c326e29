"""Limits of values. Each checks a value and returns in words what is wrong with it."""

import math
import re
from dataclasses import dataclass
from typing import ClassVar

__all__ = ["IntegerRange", "Limit", "NumberRange", "OneOf", "TextLength", "one_line_end"]

# Unicode's control characters (Cc) except tab and newline, and lone surrogates (Cs).
_CONTROLS = r"\u0000-\u0008\u000b-\u001f\u007f-\u009f"
_FORBIDDEN = re.compile(rf"[{_CONTROLS}\ud800-\udfff]")
_CONTROLS_BUT_RETURN = r"\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f"


def one_line_end(text: str) -> str:
    """Return `text` with a newline for each line end: CR LF, CR or LF."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


@dataclass(frozen=True, slots=True)
class IntegerRange:
    """Whole numbers from `minimum` to `maximum`, both included."""

    minimum: int
    maximum: int

    def problem(self, value: object) -> str | None:
        """Return what is wrong with `value`, in words; None if it is valid."""
        if isinstance(value, bool) or not isinstance(value, int):
            return f"is {_shown(value)}; it must be an integer"
        if not self.minimum <= value <= self.maximum:
            return f"is {_shown(value)}; it must lie between {self.minimum} and {self.maximum}"
        return None


@dataclass(frozen=True, slots=True)
class NumberRange:
    """Finite numbers from `minimum` to `maximum`, both included."""

    minimum: float
    maximum: float

    def problem(self, value: object) -> str | None:
        """Return what is wrong with `value`, in words; None if it is valid."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return f"is {_shown(value)}; it must be a number"
        if not (math.isfinite(value) if isinstance(value, float) else True):
            return f"is {value}; it must be finite"
        if not self.minimum <= value <= self.maximum:
            return f"is {_shown(value)}; it must lie between {self.minimum} and {self.maximum}"
        return None


@dataclass(frozen=True, slots=True)
class TextLength:
    """Text of `minimum` to `maximum` characters that can be stored, logged and sent as UTF-8."""

    PATTERN: ClassVar[str] = f"^[^{_CONTROLS}]*$"
    """The allowed characters, as a regular expression of ECMA-262 for UTF-8."""
    LINES_PATTERN: ClassVar[str] = f"^[^{_CONTROLS_BUT_RETURN}]*$"
    """The allowed characters before `one_line_end` is applied."""

    minimum: int
    maximum: int

    def problem(self, value: object) -> str | None:
        """Return what is wrong with `value`, in words; None if it is valid."""
        if not isinstance(value, str):
            return f"is {_shown(value)}; it must be text"
        if not self.minimum <= len(value) <= self.maximum:
            return (
                f"has {len(value)} characters; it must have between "
                f"{self.minimum} and {self.maximum}"
            )
        if found := _FORBIDDEN.search(value):
            return (
                f"holds U+{ord(found.group()):04X} at position {found.start()}; control "
                "characters other than tab and newline, and lone surrogates, are not allowed"
            )
        return None


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of several words, in the same case.

    Attributes:
        words: The allowed words.
        told: A shorter description for messages, if the list of words is too long.
    """

    words: tuple[str, ...]
    told: str = ""

    def problem(self, value: object) -> str | None:
        """Return what is wrong with `value`, in words; None if it is valid."""
        if not isinstance(value, str) or value not in self.words:
            return f"is {_shown(value)}; it must be one of: {self.told or ', '.join(self.words)}"
        return None


Limit = IntegerRange | NumberRange | TextLength | OneOf
"""The limit of a field."""


_SHOWN_CHARACTERS = 40
"""The most characters of a client's value in a message."""


def _shown(value: object) -> str:
    """Return `value` for an error message, in one line at most."""
    if isinstance(value, int) and abs(value) >= 10**20:
        return "a number of more than 20 digits"
    if isinstance(value, list | dict):  # its text could exceed Python's stack
        return "a list" if isinstance(value, list) else "an object"
    text = ascii(value)
    if len(text) <= _SHOWN_CHARACTERS:
        return text
    cut = f"{text[:_SHOWN_CHARACTERS]}…"
    return f"{cut}{text[0]}" if isinstance(value, str) else cut
