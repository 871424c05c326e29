"""The rows of an API's table of errors."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from domain.errors import (
    DomainError,
    FieldProblem,
    InvalidRequest,
    ModelNotFound,
    Wording,
)

__all__ = ["ErrorRow", "ErrorTable", "Problem", "fields_of", "row"]


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """The status of an error, and its words."""

    status: HTTPStatus
    words: Wording


ErrorTable = Mapping[type[DomainError], ErrorRow]
"""Maps each class of errors to its row."""


def row(
    status: HTTPStatus,
    remedy: str | Callable[[Any], str] = "",
    *,
    says: Callable[[Any], str] = str,
) -> ErrorRow:
    """Return a row whose sentence is `str(error)`, or that of `says` if it is given."""
    return ErrorRow(status, Wording(remedy, says))


def fields_of(error: DomainError) -> tuple[FieldProblem, ...]:
    """Return one row for each field that the error is about."""
    if isinstance(error, InvalidRequest):
        return error.problems
    if isinstance(error, ModelNotFound) and error.field:
        return (FieldProblem(error.field, str(error)),)
    return ()


@dataclass(frozen=True, slots=True)
class Problem:
    """An error of a request, before an API's form gives it a shape.

    Attributes:
        status: The status of the answer.
        code: The stable word.
        detail: The sentence and the remedy, for a person to read.
        fields: One row for each wrong field.
        headers: Headers that the answer carries in every shape.
        error: The domain's error; None if the domain did not raise one.
    """

    status: HTTPStatus
    code: str
    detail: str
    fields: tuple[FieldProblem, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    error: DomainError | None = None
