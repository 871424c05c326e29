"""How many numbers the networks of a file have, by its header."""

import math
from collections.abc import Mapping

from domain.checkpoints.header_values import TensorFacts
from domain.checkpoints.unused import part_of

__all__ = ["parameters_of"]


def parameters_of(tensors: Mapping[str, TensorFacts]) -> int:
    """Return the number of parameters that loading the file keeps.

    A checkpoint in the original code's layout keeps those of its networks. What training adds, such
    as averages and the states of optimizers, does not count. Another file keeps all of its tensors.
    """
    counts = {name: math.prod(facts.shape) for name, facts in tensors.items()}
    return sum(count for name, count in counts.items() if part_of(name) is not None) or sum(
        counts.values()
    )
