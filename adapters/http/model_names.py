"""Models by the names that people have for them."""

from collections.abc import Sequence

from domain.errors import FieldProblem, InvalidRequest, ModelNotFound
from domain.models import ModelRecord

__all__ = ["the_one_meant"]

_SHOWN_CHARACTERS = 80


def the_one_meant(named: Sequence[ModelRecord], wanted: str, *, field: str) -> ModelRecord:
    """The one of the models `named` that can be drawn with, or the one there is at all.

    Args:
        named: Those that `wanted` names.
        wanted: What was sent as `field`.
        field: For the error.

    Raises ModelNotFound, and InvalidRequest for several.
    """
    meant = [model for model in named if model.loadable] or named
    if not meant:
        raise ModelNotFound(wanted[:_SHOWN_CHARACTERS])
    if len(meant) > 1:
        raise InvalidRequest([FieldProblem(field, "names several models; send the id of one")])
    return meant[0]
