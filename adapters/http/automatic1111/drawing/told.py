"""Gives the errors of a request the names that its fields have in the body."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from domain.errors import FieldProblem, InvalidRequest, ModelNotFound

__all__ = ["told_as"]

_OF_PROMPT: Mapping[str, str] = {
    "loras": "names a LoRA",
    "embeddings": "has a word, the name of an embedding,",
}
"""What a message about a part of a prompt begins with."""
_WORDS: Mapping[str, str] = {"scale": "weight"}
"""The words of this API for fields of a part."""


@contextmanager
def told_as(names: Mapping[str, str]) -> Iterator[None]:
    """Rename the fields in an error about a request.

    Args:
        names: The name in the body of each part of the request, such as `loras` or
            `controls[0].model_id`. The longest beginning of a field counts.
    """
    try:
        yield
    except InvalidRequest as error:
        raise type(error)(_merged(_told(row, names) for row in error.problems)) from error
    except ModelNotFound as error:
        error.field = _name(error.field, names)
        raise


def _merged(rows: Iterable[FieldProblem]) -> list[FieldProblem]:
    """Return one row for each field."""
    texts: dict[str, list[str]] = {}
    for row in rows:
        texts.setdefault(row.field, []).append(row.message)
    return [FieldProblem(name, "; ".join(messages)) for name, messages in texts.items()]


def _told(row: FieldProblem, names: Mapping[str, str]) -> FieldProblem:
    name = _name(row.field, names)
    beginning = _OF_PROMPT.get(row.field.partition("[")[0])
    if beginning is None or name == row.field:
        return FieldProblem(name, row.message)
    own = row.field.rpartition(".")[2]
    what = "that" if own == "model_id" else f"whose {_WORDS.get(own, own)}"
    return FieldProblem(name, f"{beginning} {what} {row.message}")


def _name(field: str, names: Mapping[str, str]) -> str:
    """Return the name in the body of a field of the request."""
    found = field
    while found and found not in names:
        shorter = found.rstrip("]").rpartition("[")[0] if found.endswith("]") else ""
        found = shorter or found.rpartition(".")[0]
    return names.get(found, field)
