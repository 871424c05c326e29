"""What every error is, and what is wrong with a request."""

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["DomainError", "FieldProblem", "InvalidRequest"]


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One wrong field and what is wrong with it."""

    field: str
    message: str


class DomainError(Exception):
    """Base of all errors that a caller may see. `str(error)` names the value and the remedy."""

    code = "error"


class InvalidRequest(DomainError):
    """One or more fields are wrong; `problems` has one row for each, all of them at once.

    Of those past the hundredth the last row tells the number: a body may hold very many.
    """

    code = "invalid_request"
    MOST_PROBLEMS = 100

    def __init__(self, problems: Sequence[FieldProblem]) -> None:
        shown = [*problems[: self.MOST_PROBLEMS]]
        if more := len(problems) - len(shown):
            shown.append(FieldProblem("body", f"has {more} more wrong fields"))
        self.problems = tuple(shown)
        super().__init__("; ".join(f"{row.field} {row.message}" for row in self.problems))
