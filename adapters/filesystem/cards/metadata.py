"""A card in the metadata of a safetensors file.

`modelspec.description` is a field of ModelSpec (https://github.com/Stability-AI/ModelSpec), which
trainers write. `sample_prompts` and `known_words` are this service's own: metadata contains only
strings, so each is a JSON list of strings.
"""

import json
from collections.abc import Mapping

from adapters.filesystem.cards.fields import card_of
from domain.models.card import ModelCard

__all__ = ["card_in"]

_LONGEST_LIST = 200_000
"""Characters of a list; a longer one is ignored."""


def card_in(metadata: Mapping[str, str]) -> ModelCard:
    """Return the card in the metadata; malformed values are skipped."""
    return card_of(
        {
            "description": metadata.get("modelspec.description"),
            "sample_prompts": _json(metadata.get("sample_prompts")),
            "known_words": _json(metadata.get("known_words")),
        }
    )


def _json(text: str | None) -> object:
    if text is None or len(text) > _LONGEST_LIST:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
