"""What every error is, and what is wrong with a request."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["DomainError", "FieldProblem", "InvalidRequest"]


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One wrong field and what is wrong with it."""

    field: str
    message: str


class DomainError(Exception):
    """Base of all errors that a caller may see. `str(error)` names the value and the remedy.

    Each of them can be pickled, with its facts.
    """

    code = "error"

    def __reduce__(self) -> tuple[Any, ...]:
        # Exceptions are pickled by their constructor's arguments, and many here have others.
        return _loaded, (type(self), self.args, self.__dict__)


def _loaded(
    kind: type[DomainError], args: tuple[Any, ...], facts: Mapping[str, Any]
) -> DomainError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(facts)
    return error


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
