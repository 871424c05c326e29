"""Descriptions of models: in a safetensors file's metadata, and in a file beside the model."""

from adapters.filesystem.cards.beside import CardsBeside
from adapters.filesystem.cards.metadata import card_in

__all__ = ["CardsBeside", "card_in"]
