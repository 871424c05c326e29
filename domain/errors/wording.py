"""Errors in words: what an API, or the command line, tells its callers of each class."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from domain.errors.base import DomainError

__all__ = ["Wording", "row_of"]

_Row = TypeVar("_Row")


@dataclass(frozen=True, slots=True)
class Wording:
    """What callers are told of errors of one class: a sentence, and then the remedy.

    Attributes:
        remedy: What the caller or the operator can do; a text, or what makes it of the error. It
            is empty where the sentence has it.
        sentence: Makes the sentence of the error; by default the error's own.
    """

    remedy: str | Callable[[Any], str] = ""
    sentence: Callable[[Any], str] = str

    def of(self, error: DomainError) -> str:
        """The sentence and the remedy."""
        remedy = self.remedy if isinstance(self.remedy, str) else self.remedy(error)
        return "; ".join(filter(None, (self.sentence(error), remedy)))


def row_of(table: Mapping[type[DomainError], _Row], error: DomainError) -> _Row:
    """The row of the class of `error`, or of the nearest class above it that has one.

    Raises:
        LookupError: there is none.
    """
    for cls in type(error).__mro__:
        if cls in table:
            return table[cls]
    raise LookupError(f"no row for {type(error).__name__}")
