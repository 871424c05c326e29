"""The description of the demo checkpoint: the card file next to it.

    python -m tools.demo_checkpoint.card > ai-models/demo.json

The service reads it as `adapters/filesystem/cards/beside.py` describes.
"""

from __future__ import annotations

import json
import re
from typing import Final

from tools.demo_checkpoint.captions import phrases

__all__ = ["card_text", "naming_words"]

_DESCRIPTION: Final = (
    "Flat shapes in twelve colours, and simple landscapes with mountains, snow, a lake, trees, "
    "sun, moon and stars, by day, at sunset or at night."
)
_SAMPLE_PROMPTS: Final = (
    "a beautiful landscape with mountains and a lake",
    "a red circle on a blue background",
    "snow on the mountains, pine trees and a lake at sunset",
    "a large yellow star on a purple background",
    "mountains, a full moon and stars at night",
    "a small green heart in the top left corner on white",
)
# Words of the tables that name nothing by themselves.
_NAMELESS: Final = frozenset(
    {
        *("a", "the", "in", "on", "at", "by", "during"),
        *("range", "high", "tall", "many", "full", "bright", "capped"),
    }
)
_LANDSCAPES: Final = ("landscape", "nature", "view")


def naming_words() -> list[str]:
    """Return the caption words that name drawn things, sorted.

    Sizes, places and praise are left out: without a thing to describe they draw nothing.
    """
    tables = (
        phrases.SHAPE_WORDS,
        phrases.COLOUR_WORDS,
        phrases.FEATURE_PHRASES,
        phrases.TIME_PHRASES,
    )
    text = " ".join(phrase for table in tables for row in table.values() for phrase in row)
    return sorted({*re.findall(r"[a-z]+", text), *_LANDSCAPES} - _NAMELESS)


def card_text() -> str:
    """Return the content of the file."""
    card = {
        "description": _DESCRIPTION,
        "sample_prompts": _SAMPLE_PROMPTS,
        "known_words": naming_words(),
    }
    return json.dumps(card, indent=2) + "\n"


if __name__ == "__main__":
    print(card_text(), end="")
