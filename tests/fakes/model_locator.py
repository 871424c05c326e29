"""A locator that knows the models it was given."""

from domain.errors import ModelNotFound
from domain.models.record import ModelRecord
from domain.ports.model_locator import ModelLocator

__all__ = ["FakeModelLocator"]


class FakeModelLocator(ModelLocator):
    """A dictionary of models."""

    def __init__(self, *models: ModelRecord) -> None:
        self._models = {model.id: model for model in models}

    def put(self, model: ModelRecord) -> None:
        """Have this model from now on, in the place of another of its id."""
        self._models[model.id] = model

    def locate(self, model_id: str) -> ModelRecord:
        if model_id not in self._models:
            raise ModelNotFound(model_id)
        return self._models[model_id]
