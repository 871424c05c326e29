"""The tensors of a file, or of a part of it, by name."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from domain.checkpoints.header_values import TensorFacts

__all__ = ["Stored"]


@dataclass(frozen=True, slots=True)
class Stored:
    """The tensors of a file that belong to one network.

    Attributes:
        file: The name of the file, for messages.
        weights: The tensors by their names in the file. Each is mapped from the file, or made when
            it is taken, so nothing is in memory before.
        names: The name in the file of each tensor, by its name in the layout.
        facts: The type and the shape of each tensor, by its name in the layout.
    """

    file: str
    weights: Mapping[str, torch.Tensor]
    names: Mapping[str, str]
    facts: Mapping[str, TensorFacts]

    @classmethod
    def of(
        cls, file: str, weights: Mapping[str, torch.Tensor], facts: Mapping[str, TensorFacts]
    ) -> "Stored":
        """Return all tensors of a file."""
        return cls(file, weights, {name: name for name in weights}, facts)

    def under(self, *prefixes: str) -> "Stored":
        """Return the tensors whose names begin with a prefix, without it."""
        names = {
            name.removeprefix(prefix): own
            for name, own in self.names.items()
            for prefix in prefixes
            if name.startswith(prefix)
        }
        facts = {
            name.removeprefix(prefix): each
            for name, each in self.facts.items()
            for prefix in prefixes
            if name.startswith(prefix)
        }
        return Stored(self.file, self.weights, names, facts)

    def __getitem__(self, name: str) -> torch.Tensor:
        return self.weights[self.names[name]]
