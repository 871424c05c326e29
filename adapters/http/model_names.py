"""Models by the names that people have for them."""

from collections.abc import Sequence

from domain.errors import FieldProblem, InvalidRequest, ModelNotFound, ModelsNotRead
from domain.models import ModelRecord
from domain.services.model_registry import ModelRegistry

__all__ = ["the_one_meant"]

_SHOWN_CHARACTERS = 80


def the_one_meant(
    registry: ModelRegistry, named: Sequence[ModelRecord], wanted: str, *, field: str
) -> ModelRecord:
    """The one of the models `named` that can be drawn with, or the one there is at all.

    Args:
        registry: Knows whether there may be more of them soon.
        named: Those that `wanted` names.
        wanted: What was sent as `field`.
        field: For the error.

    Raises ModelNotFound, ModelsNotRead while that can not be told, and InvalidRequest for several.
    """
    meant = [model for model in named if model.loadable] or named
    if not meant:
        missing = ModelsNotRead if registry.awaits(wanted) else ModelNotFound
        raise missing(wanted[:_SHOWN_CHARACTERS])
    if len(meant) > 1:
        raise InvalidRequest([FieldProblem(field, "names several models; send the id of one")])
    return meant[0]
