"""What an API answers to each class of errors: a row of its table."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from domain.errors import DomainError, FieldProblem, Wording

__all__ = ["ErrorRow", "ErrorTable", "Problem", "row"]


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """The status of an error, and its words."""

    status: HTTPStatus
    words: Wording


ErrorTable = Mapping[type[DomainError], ErrorRow]
"""The row of each class of errors."""


def row(
    status: HTTPStatus,
    remedy: str | Callable[[Any], str] = "",
    *,
    says: Callable[[Any], str] = str,
) -> ErrorRow:
    """A row whose sentence is the error's own, unless `says` makes another one."""
    return ErrorRow(status, Wording(remedy, says))


@dataclass(frozen=True, slots=True)
class Problem:
    """What went wrong with a request, before it has the shape that the clients of an API know.

    Attributes:
        status: Of the answer.
        code: The stable word.
        detail: The sentence and the remedy, for a person to read.
        fields: One row for each wrong field.
        headers: What the answer must carry whatever its shape.
        error: The domain's error; None where the domain did not raise one.
    """

    status: HTTPStatus
    code: str
    detail: str
    fields: tuple[FieldProblem, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    error: DomainError | None = None
