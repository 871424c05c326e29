"""Processes that train together, each on its share of every batch."""

from __future__ import annotations

import os
from dataclasses import dataclass

import torch
from torch import distributed

__all__ = ["Team"]


@dataclass(frozen=True, slots=True)
class Team:
    """This process's number among `size`, from torchrun's environment; one process without it."""

    rank: int = 0
    size: int = 1

    @classmethod
    def join(cls) -> Team:
        """Connect to the other processes, if there are any."""
        if "WORLD_SIZE" not in os.environ:
            return cls()
        distributed.init_process_group("gloo")
        return cls(distributed.get_rank(), distributed.get_world_size())

    @property
    def leads(self) -> bool:
        """Return True if this process writes the state."""
        return self.rank == 0

    def average_gradients(self, model: torch.nn.Module) -> None:
        """Give all processes the mean of their gradients, so that their weights stay the same."""
        if self.size == 1:
            return
        gradients = [each.grad for each in model.parameters() if each.grad is not None]
        flat = torch.cat([each.flatten() for each in gradients])
        distributed.all_reduce(flat)
        mean = (flat / self.size).split([each.numel() for each in gradients])
        for gradient, share in zip(gradients, mean, strict=True):
            gradient.copy_(share.view_as(gradient))

    def leave(self) -> None:
        """Disconnect, once the work is done."""
        if distributed.is_initialized():
            distributed.destroy_process_group()
