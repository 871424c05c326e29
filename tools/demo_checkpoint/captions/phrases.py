"""The words of the captions. The tokenizer's vocabulary is derived from these tables."""

from __future__ import annotations

import re
from typing import Final

from tools.demo_checkpoint.scenes.flat_scenes import PLACES
from tools.demo_checkpoint.scenes.outlines import OUTLINES
from tools.demo_checkpoint.scenes.palette import COLOURS

__all__ = [
    "ADJECTIVES",
    "BARE_LANDSCAPES",
    "COLOUR_WORDS",
    "FEATURE_PHRASES",
    "FLAT_TEMPLATES",
    "LANDSCAPE_TEMPLATES",
    "OPENINGS",
    "PLACE_PHRASES",
    "QUALITY",
    "SHAPE_WORDS",
    "SIZE_WORDS",
    "TIME_PHRASES",
    "known_words",
]

COLOUR_WORDS: Final[dict[str, tuple[str, ...]]] = {
    **{name: (name,) for name in COLOURS},
    "grey": ("grey", "gray"),
}
SHAPE_WORDS: Final[dict[str, tuple[str, ...]]] = {
    **{name: (name,) for name in OUTLINES},
    "cross": ("cross", "cross", "plus"),
    "diamond": ("diamond", "diamond", "rhombus"),
}
SIZE_WORDS: Final[dict[str, tuple[str, ...]]] = {
    "small": ("small", "small", "little", "tiny"),
    "medium": ("medium",),
    "large": ("large", "large", "big", "huge"),
}
PLACE_PHRASES: Final[dict[str, tuple[str, ...]]] = {
    name: tuple(
        pattern.format(word)
        for word in ((name, "center", "middle") if name == "centre" else (name,))
        for pattern in (
            "in the {}",
            "at the {}",
            "in the {} corner" if " " in name else "on the {}",
        )
    )
    for name in PLACES
}

# {thing} is the shape with its size, colour and place; {ground} is the background with its colour.
FLAT_TEMPLATES: Final[dict[str, tuple[str, ...]]] = {
    "ground said": (
        "{thing} on {ground}",
        "{thing} on {ground}",
        "{thing} on {ground}",
        "{thing} on {colour}",
        "{thing} with {ground}",
        "{thing} against {ground}",
        "{thing} in front of {ground}",
        "{thing}, {ground}",
        "{ground} with {thing}",
        "{ground} and {thing}",
    ),
    "ground unsaid": ("{thing}", "{thing}", "just {thing}"),
}

TIME_PHRASES: Final[dict[str, tuple[str, ...]]] = {
    "day": ("by day", "in the daytime", "during the day", "on a sunny day", "day"),
    "sunset": ("at sunset", "at sunset", "sunset", "in the evening", "at dusk"),
    "night": ("at night", "at night", "night", "by night"),
}
FEATURE_PHRASES: Final[dict[str, tuple[str, ...]]] = {
    "mountains": ("mountains", "mountains", "a mountain range", "high mountains", "mountain"),
    "snow": ("snow", "snow", "snow on the mountains", "snowy peaks", "snow-capped mountains"),
    "lake": ("a lake", "a lake", "lake", "a blue lake", "water"),
    "trees": ("trees", "trees", "pine trees", "a forest", "tall trees", "tree"),
    "sun": ("the sun", "sun", "a yellow sun", "a bright sun"),
    "moon": ("the moon", "moon", "a moon", "a full moon"),
    "stars": ("stars", "stars", "a starry sky", "many stars"),
}
ADJECTIVES: Final = ("beautiful", "beautiful", "pretty", "scenic", "peaceful", "stunning", "wide")
# {all} names some of the features; {one} the first of them, {rest} the others.
LANDSCAPE_TEMPLATES: Final = (
    "a {adjective} landscape with {all} {time}",
    "a {adjective} landscape with {all} {time}",
    "a landscape with {all} {time}",
    "{adjective} landscape, {list}, {time}",
    "{all} {time}",
    "{list}, {time}",
    "{list} {time}",
    "a view of {all} {time}",
    "{one} with {rest} {time}",
)
BARE_LANDSCAPES: Final = (
    "a {adjective} landscape {time}",
    "a {adjective} landscape {time}",
    "{adjective} landscape {time}",
    "a landscape {time}",
    "a {adjective} view {time}",
    "nature {time}",
)

OPENINGS: Final = (
    "a picture of",
    "an image of",
    "a photo of",
    "a drawing of",
    "a painting of",
    "an illustration of",
    "picture of",
    "photo of",
)
QUALITY: Final = (
    "highly detailed",
    "8k",
    "4k",
    "high quality",
    "best quality",
    "masterpiece",
    "sharp focus",
    "vector art",
    "flat design",
    "simple",
    "digital art",
    "very beautiful",
    "trending on artstation",
)


def known_words() -> list[str]:
    """List every word and mark that captions use, sorted: each becomes one token."""
    tables = (COLOUR_WORDS, SHAPE_WORDS, SIZE_WORDS, PLACE_PHRASES, FLAT_TEMPLATES)
    more_tables = (TIME_PHRASES, FEATURE_PHRASES)
    lists = [phrases for table in tables + more_tables for phrases in table.values()]
    lists += [ADJECTIVES, LANDSCAPE_TEMPLATES, BARE_LANDSCAPES, OPENINGS, QUALITY]
    text = " ".join(phrase for phrases in lists for phrase in phrases)
    text = re.sub(r"\{\w+\}", " ", text) + " a an the and background without no of in"
    return sorted(set(re.findall(r"[a-z]+", text)))
