"""The OpenAI API's names of the fields of a request, where they differ."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType

from domain.errors import FieldProblem, InvalidRequest

__all__ = ["NAMES", "NO_NAMES", "pictures_told_as"]

NAMES: Mapping[str, str] = {
    "model_id": "model",
    "num_images": "n",
    "quality": "output_compression",
    "width": "size",
    "height": "size",
}
NO_NAMES: Mapping[str, str] = MappingProxyType({})


@contextmanager
def pictures_told_as(names: Mapping[str, str]) -> Iterator[None]:
    """Give the pictures in an InvalidRequest the names that they have in the body.

    `names` has the name in the body by the name of the part of the request.
    """
    try:
        yield
    except InvalidRequest as error:
        rows = [
            FieldProblem(names.get(row.field.partition(".")[0], row.field), row.message)
            for row in error.problems
        ]
        raise InvalidRequest(rows) from error
