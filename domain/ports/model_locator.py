"""Finds the model with an id on the host that draws."""

from abc import ABC, abstractmethod

from domain.models.record import ModelRecord

__all__ = ["ModelLocator"]


class ModelLocator(ABC):
    """Knows the paths of models on this host. Any thread may call it."""

    @abstractmethod
    def locate(self, model_id: str) -> ModelRecord:
        """Return the model with this id. Its path can be opened here, and its stamp is this host's.

        Raises:
            ModelNotFound: No model on this host has this id.
            ModelNotLoadable: No request can name the model.
        """
