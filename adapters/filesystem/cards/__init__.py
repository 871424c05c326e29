"""What models say of themselves: in a safetensors file's metadata, and in a file beside them."""

from adapters.filesystem.cards.beside import CardsBeside
from adapters.filesystem.cards.metadata import card_in

__all__ = ["CardsBeside", "card_in"]
