"""Whether the parts of a diffusers folder are complete, checked before anything is loaded."""

from adapters.filesystem.folder_parts.needed import unnamed_parts
from adapters.filesystem.folder_parts.tokenizers import tokenizer_problem
from adapters.filesystem.folder_parts.weights import used_weights, weights_problem

__all__ = [
    "tokenizer_problem",
    "unnamed_parts",
    "used_weights",
    "weights_problem",
]
