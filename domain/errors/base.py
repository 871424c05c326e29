"""The base of all errors, and the error of a wrong request."""

import inspect
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

__all__ = ["DomainError", "FieldProblem", "InvalidRequest", "error_classes", "restored"]


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One wrong field and what is wrong with it."""

    field: str
    message: str


class DomainError(Exception):
    """Base of all errors that a caller may see.

    An error carries facts. Each parameter of its constructor is an attribute of the same name: a
    number, a text, or a tuple of these. So an error can be pickled, stored and restored.

    `str(error)` is a short sentence for the log. It names the facts, but no API and no setting:
    each API and the command line have a table of their own with the sentence and the remedy.

    The classes are dataclasses if they only hold facts. They are not frozen, because Python
    writes the traceback into an exception.
    """

    def __init__(self) -> None:
        """An error without facts."""
        super().__init__()

    code: ClassVar[str]
    """A stable word that programs can match. A class without one is never raised itself."""

    @property
    def facts(self) -> dict[str, Any]:
        """The facts by name. `type(error).of_facts(error.facts)` is an equal error."""
        names = [*inspect.signature(type(self).__init__).parameters][1:]
        return {name: getattr(self, name) for name in names}

    @classmethod
    def of_facts(cls, facts: Mapping[str, Any]) -> Self:
        """Return the error with these facts. Facts of JSON may have lists instead of tuples.

        Raises:
            TypeError: They are not the facts of this class.
        """
        return cls(**{name: _immutable(value) for name, value in facts.items()})

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the error by its facts. Python's default loses keyword arguments."""
        return type(self).of_facts, (self.facts,)


class InvalidRequest(DomainError):
    """One or more fields are wrong; `problems` has one row for each.

    At most a hundred wrong fields have a row, because a body may hold very many of them. One more
    row then says how many others are wrong.
    """

    code = "invalid_request"
    MOST_PROBLEMS = 100

    def __init__(self, problems: Sequence[FieldProblem]) -> None:
        shown = [*problems[: self.MOST_PROBLEMS]]
        if more := len(problems) - len(shown):
            shown.append(FieldProblem("body", f"has {more} more wrong fields"))
        self.problems = tuple(shown)

    @classmethod
    def of_facts(cls, facts: Mapping[str, Any]) -> Self:
        rows = [
            FieldProblem(**row) if isinstance(row, Mapping) else row for row in facts["problems"]
        ]
        error = cls(())
        error.problems = tuple(rows)  # counted when the error was made
        return error

    def __str__(self) -> str:
        return "; ".join(f"{row.field} {row.message}" for row in self.problems)


def error_classes(base: type[DomainError] = DomainError) -> tuple[type[DomainError], ...]:
    """Return every class of errors that has a code, in the order of the tree."""
    own = (base,) if "code" in vars(base) else ()
    return own + tuple(each for child in base.__subclasses__() for each in error_classes(child))


def restored(code: str, facts: Mapping[str, Any]) -> DomainError | None:
    """The error that had this code and these facts; None where this release has no such error.

    Another release may have stored facts of other types, which no sentence here can name.
    """
    for cls in error_classes():
        if cls.code == code:
            try:
                error = cls.of_facts(facts)
            except (TypeError, KeyError, ValueError):
                return None
            return error if _has_facts_of_its_types(error) else None
    return None


def _has_facts_of_its_types(error: DomainError) -> bool:
    hints = typing.get_type_hints(type(error).__init__)
    return all(_has_type(value, hints[name]) for name, value in error.facts.items())


def _has_type(value: Any, hint: Any) -> bool:
    """Whether a fact has the type that the constructor declares, as its sentence relies on it."""
    if isinstance(hint, types.UnionType):
        return any(_has_type(value, each) for each in typing.get_args(hint))
    if typing.get_origin(hint) is not None:  # several of one type
        kind = typing.get_args(hint)[0]
        return isinstance(value, tuple) and all(_has_type(each, kind) for each in value)
    if hint is FieldProblem:
        return isinstance(value, FieldProblem) and {type(value.field), type(value.message)} == {str}
    return isinstance(value, int | float if hint is float else hint)


def _immutable(value: Any) -> Any:
    return tuple(map(_immutable, value)) if isinstance(value, list) else value
