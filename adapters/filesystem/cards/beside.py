"""A card in a file beside the model: `name.json` for `name.safetensors`, and for a folder `name`.

AUTOMATIC1111's web UI stores a user's notes about a model in such a file
(`modules/ui_extra_networks_user_metadata.py`), and its `description` is used unchanged. The file is
not part of the model's id, so it can be changed at any time.
"""

import json
import os

from adapters.filesystem.beside import FilesBeside, UnreadBeside
from adapters.filesystem.cards.fields import card_of
from adapters.filesystem.scan_warnings import ScanWarnings
from domain.models.card import NO_CARD, ModelCard

__all__ = ["MAX_CARD_BYTES", "CardsBeside"]

MAX_CARD_BYTES = 256 * 1024


class CardsBeside:
    """Reads each file again when it has changed."""

    def __init__(self, warnings: ScanWarnings) -> None:
        self._files = FilesBeside(warnings, _parsed, most_bytes=MAX_CARD_BYTES)

    def of(self, model_path: str, told: ModelCard, *, is_folder: bool) -> ModelCard:
        """Return the card of the model at `model_path`: the file beside it, then its own data."""
        stem = model_path if is_folder else os.path.splitext(model_path)[0]
        beside = self._files.at(f"{stem}.json") or NO_CARD
        return ModelCard(
            description=beside.description or told.description,
            sample_prompts=beside.sample_prompts or told.sample_prompts,
            known_words=beside.known_words or told.known_words,
        )


def _parsed(content: bytes, _path: str) -> ModelCard:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise UnreadBeside("it is not JSON") from error
    if not isinstance(value, dict):
        raise UnreadBeside("it is not a JSON object")
    return card_of(value)
