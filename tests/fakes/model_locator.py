"""A locator that knows the models it was given."""

from domain.errors import ModelNotFound
from domain.models.record import ModelRecord
from domain.ports.model_locator import ModelLocator

__all__ = ["FakeModelLocator"]


class FakeModelLocator(ModelLocator):
    """A dictionary of models."""

    def __init__(self, *models: ModelRecord) -> None:
        self._models = {model.id: model for model in models}

    def put(self, model: ModelRecord, model_id: str | None = None) -> None:
        """Find this model from now on, by its own id or by another one."""
        self._models[model_id or model.id] = model

    def locate(self, model_id: str) -> ModelRecord:
        if model_id not in self._models:
            raise ModelNotFound(model_id)
        return self._models[model_id]
