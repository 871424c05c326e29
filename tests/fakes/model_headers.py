"""Tables of contents that a test puts in."""

from collections.abc import Mapping
from types import MappingProxyType

from domain.checkpoints.header_values import TensorFacts
from domain.errors import ModelChanged
from domain.models.record import ModelRecord
from domain.ports.model_headers import ModelHeaders

__all__ = ["FakeModelHeaders"]


class FakeModelHeaders(ModelHeaders):
    """The tensors of models by id, in memory.

    Attributes:
        held: The tensors of each model. Another model has no tensors.
        gone: The ids of models whose files are gone.
        asked: The ids that were asked for, in order.
    """

    def __init__(self, held: Mapping[str, Mapping[str, TensorFacts]] | None = None) -> None:
        self.held = dict(held or {})
        self.gone: set[str] = set()
        self.asked: list[str] = []

    def tensors(self, model: ModelRecord) -> Mapping[str, TensorFacts]:
        self.asked.append(model.id)
        if model.id in self.gone:
            raise ModelChanged(model.name, model.id)
        return MappingProxyType(self.held.get(model.id, {}))
