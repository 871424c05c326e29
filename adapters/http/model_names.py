"""Models by the names that people have for them."""

from collections.abc import Sequence

from domain.errors import ModelNotFound, ModelsNotRead
from domain.models import ModelRecord
from domain.services.model_registry import ModelRegistry

__all__ = ["the_one_meant"]


def the_one_meant(
    registry: ModelRegistry, named: Sequence[ModelRecord], wanted: str
) -> ModelRecord:
    """The one of the models `named` that can be drawn with, or the one there is at all.

    Args:
        registry: Knows whether there may be more of them soon.
        named: Those that `wanted` names.
        wanted: What was sent as `field`.

    Raises ModelNotFound, also for several, and ModelsNotRead while that cannot be told.
    """
    meant = [model for model in named if model.loadable] or named
    if not meant:
        missing = ModelsNotRead if registry.awaits(wanted) else ModelNotFound
        raise missing(wanted)
    if len(meant) > 1:
        raise ModelNotFound(wanted, bearers=[each.path for each in meant])
    return meant[0]
