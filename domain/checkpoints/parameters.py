"""How many numbers the networks of a file have, by its header."""

import math
from collections.abc import Mapping

from domain.checkpoints.header_values import TensorFacts
from domain.checkpoints.unused import part_of

__all__ = ["parameters_of"]

_OF_NEWER_FAMILIES = ("text_encoders.", "vae.")
"""What ComfyUI stores beside `model.diffusion_model.` in a file with every component."""


def parameters_of(tensors: Mapping[str, TensorFacts]) -> int:
    """Return the number of parameters that loading the file keeps.

    A checkpoint in the original code's layout keeps those of its networks. What training adds, such
    as averages and the states of optimizers, does not count. Another file keeps all of its tensors.
    """
    counts = {name: math.prod(facts.shape) for name, facts in tensors.items()}
    of_networks = (count for name, count in counts.items() if _is_of_a_network(name))
    return sum(of_networks) or sum(counts.values())


def _is_of_a_network(name: str) -> bool:
    return part_of(name) is not None or name.startswith(_OF_NEWER_FAMILIES)
