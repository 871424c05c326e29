"""The tokenizer of Gemma 2, which comes from the user's own files: its licence is not open."""

from typing import Any

from adapters.diffusion.loading.sets.parts import Parts
from domain.errors import ModelNotLoadable

__all__ = ["gemma_tokenizer"]


def gemma_tokenizer(parts: Parts) -> Any:
    """Return the tokenizer that lies in the file of the text encoder."""
    raise ModelNotLoadable("its text encoder has no tokenizer", parts.file("text_encoder"))
