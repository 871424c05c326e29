"""Textual inversion: a word of a prompt that stands for learned vectors.

Gal et al., arXiv:2208.01618. The vectors take the place of the vectors of tokens. Everything after
that, from the positions on, is the text encoder's own.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from domain.errors import GenerationFailed

__all__ = ["TextualInversion"]


class TextualInversion:
    """The vectors of a file, for each text encoder of a pipeline.

    Args:
        name: The name of the model, for messages.
        stem: The word that stands for the vectors by default.
        vectors: (count, width) for each text encoder, in the order of the pipeline, in float32 on
            the CPU.
    """

    def __init__(self, name: str, stem: str, vectors: Sequence[torch.Tensor]) -> None:
        self.name = name
        self.stem = stem
        self._vectors = torch.nn.ParameterList(
            torch.nn.Parameter(each, requires_grad=False) for each in vectors
        )

    @property
    def components(self) -> Mapping[str, Any]:
        """As of a pipeline: the vectors count in the limit of its cache."""
        return {"vectors": self._vectors}

    def vectors_for(self, number: int, width: int) -> Sequence[torch.Tensor]:
        """Return the vectors for a text encoder, each (width,).

        Args:
            number: The number of the text encoder in the pipeline, from 0.
            width: The width of its tokens' vectors.

        Raises:
            GenerationFailed: There are no vectors for it, or they have another width.
        """
        if number >= len(self._vectors):
            raise GenerationFailed(
                f"{self.name} has vectors for {len(self._vectors)} text encoder, and the model has "
                "another one; choose an embedding for this model"
            )
        found = self._vectors[number]
        if found.shape[1] != width:
            raise GenerationFailed(
                f"the vectors of {self.name} have {found.shape[1]} numbers, and those of the model "
                f"{width}; choose an embedding for this model"
            )
        return list(found.unbind())
