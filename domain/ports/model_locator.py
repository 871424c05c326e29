"""Finds the model of an id on the host that draws with it."""

from abc import ABC, abstractmethod

from domain.models.record import ModelRecord

__all__ = ["ModelLocator"]


class ModelLocator(ABC):
    """Knows where the bytes of a model lie on this host. Any thread may call it."""

    @abstractmethod
    def locate(self, model_id: str) -> ModelRecord:
        """The model of this id, with a path that can be opened here and what vouches for its bytes.

        Raises:
            ModelNotFound: no model here has this id.
            ModelNotLoadable: no picture can be drawn with it.
        """
