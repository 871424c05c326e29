"""The sentences and remedies that an API or the command line has for each class of errors."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from domain.errors.base import DomainError

__all__ = ["Wording", "row_of"]

_Row = TypeVar("_Row")


@dataclass(frozen=True, slots=True)
class Wording:
    """The words for errors of one class: a sentence and a remedy.

    Attributes:
        remedy: What the caller or the operator can do. It is a text, or a function of the error. It
            is empty if the sentence names the remedy.
        sentence: Returns the sentence of an error; by default `str(error)`.
    """

    remedy: str | Callable[[Any], str] = ""
    sentence: Callable[[Any], str] = str

    def of(self, error: DomainError) -> str:
        """Return the sentence and the remedy."""
        remedy = self.remedy if isinstance(self.remedy, str) else self.remedy(error)
        return "; ".join(filter(None, (self.sentence(error), remedy)))


def row_of(table: Mapping[type[DomainError], _Row], error: DomainError) -> _Row:
    """Return the row of the class of `error`, or of the nearest base class with a row.

    Raises:
        LookupError: No class has a row.
    """
    for cls in type(error).__mro__:
        if cls in table:
            return table[cls]
    raise LookupError(f"no row for {type(error).__name__}")
