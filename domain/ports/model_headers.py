"""Reads the tables of contents of models."""

from abc import ABC, abstractmethod
from collections.abc import Mapping

from domain.checkpoints.header_values import TensorFacts
from domain.models.record import ModelRecord

__all__ = ["ModelHeaders"]


class ModelHeaders(ABC):
    """Knows the tensors of models without their data. Any thread may call it."""

    @abstractmethod
    def tensors(self, model: ModelRecord) -> Mapping[str, TensorFacts]:
        """Return the type and the shape of each tensor of a model, by its name.

        The names are those in the file; names inside the dictionaries of a pickle are joined with
        dots. In a folder, the name of the part precedes them: `unet/conv_in.weight`,
        `text_encoder_2/text_model.embeddings.token_embedding.weight`. In a set, the role of the
        file precedes them, in place of a prefix in the file. Nothing in a pickle is run.

        The result belongs to the bytes that the id names, so a caller may keep what follows from it
        by that id.

        Raises:
            ModelChanged: The file is gone, or has other bytes than those of the id.
            ModelNotLoadable: The file cannot be read now, or is not a model file. Both errors have
                the id of the model.
        """
