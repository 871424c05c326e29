"""Describe a scene in words, each time differently, sometimes with omissions."""

from __future__ import annotations

import re
import string
from typing import Final

import numpy as np

from tools.demo_checkpoint.captions import phrases
from tools.demo_checkpoint.pictures import Scene
from tools.demo_checkpoint.scenes.flat_scenes import FlatScene
from tools.demo_checkpoint.scenes.landscape_scenes import FEATURES, LandscapeScene

__all__ = ["caption"]

# Share of captions with a meaningless word: words that the model does not know must do no harm.
_NONSENSE: Final = 0.08
# The share of captions that name nothing, by the number of things there are to name.
_NOTHING_NAMED: Final = {1: 0.1, 2: 0.15, 3: 0.2}
_MOST_NAMELESS: Final = 0.22


def caption(scene: Scene, rng: np.random.Generator) -> str:
    """Describe a scene; the caption is always true, but does not always name everything."""
    plain = _flat(scene, rng) if isinstance(scene, FlatScene) else _landscape(scene, rng)
    return _tidy(_embellish(plain, rng)) if plain else ""


def _pick(rng: np.random.Generator, choices: tuple[str, ...]) -> str:
    return choices[rng.integers(len(choices))]


def _flat(scene: FlatScene, rng: np.random.Generator) -> str:
    size_said = rng.random() < (0.1 if scene.size == "medium" else 0.85)
    place_said = rng.random() < (0.12 if scene.place == "centre" else 0.9)
    colour_said = rng.random() < 0.96
    # Named for nearly all colours but white, so that an unnamed background most often means white.
    ground_said = rng.random() < (0.6 if scene.background == "white" else 0.94)

    colour = _pick(rng, phrases.COLOUR_WORDS[scene.colour]) if colour_said else ""
    size = _pick(rng, phrases.SIZE_WORDS[scene.size]) if size_said else ""
    shape = _pick(rng, phrases.SHAPE_WORDS[scene.shape])
    place = _pick(rng, phrases.PLACE_PHRASES[scene.place]) if place_said else ""
    article = _pick(rng, ("a", "a", "a", "one", ""))
    thing = f"{article} {size} {colour} {shape} {place}"

    background = _pick(rng, phrases.COLOUR_WORDS[scene.background])
    ground = f"{_pick(rng, ('a', 'a', 'a', ''))} {background} background"
    said = "ground said" if ground_said else "ground unsaid"
    template = _pick(rng, phrases.FLAT_TEMPLATES[said])
    return template.format(thing=thing, ground=ground, colour=background)


def _landscape(scene: LandscapeScene, rng: np.random.Generator) -> str:
    if not scene.features:
        return ""  # no caption names only a meadow, see _named_features
    time_said = rng.random() < (0.35 if scene.time == "day" else 0.92)
    time = _pick(rng, phrases.TIME_PHRASES[scene.time]) if time_said else ""
    adjective = _pick(rng, phrases.ADJECTIVES)
    named = _named_features(scene, rng)
    if not named:
        return _pick(rng, phrases.BARE_LANDSCAPES).format(adjective=adjective, time=time)
    said = [_pick(rng, phrases.FEATURE_PHRASES[name]) for name in named]
    rest = said[1:] or ["a landscape"]
    return _pick(rng, phrases.LANDSCAPE_TEMPLATES).format(
        adjective=adjective,
        time=time,
        all=_enumerate(said),
        list=", ".join(said),
        one=said[0],
        rest=_enumerate(rest),
    )


def _named_features(scene: LandscapeScene, rng: np.random.Generator) -> list[str]:
    """Choose what to name: often everything (so unnamed means absent), else some, one or nothing.

    If a thing is named alone although others are there, its name means the thing and not the
    others' absence. The more things there are, the more often nothing is named. Guidance amplifies
    how much more often a caption comes with one picture than with another, so «a beautiful
    landscape» shows things that a negative prompt can remove only if that caption comes with full
    pictures more often than with bare ones.
    """
    present: list[str] = [name for name in FEATURES if name in scene.features]
    rng.shuffle(present)
    if rng.random() < _NOTHING_NAMED.get(len(present), _MOST_NAMELESS):
        return []
    fate = rng.random()
    if fate < 0.6:
        return present
    if fate < 0.75:
        return [name for name in present if rng.random() < 0.5] or present[:1]
    return present[:1]


def _enumerate(items: list[str]) -> str:
    return items[0] if len(items) == 1 else ", ".join(items[:-1]) + " and " + items[-1]


def _embellish(text: str, rng: np.random.Generator) -> str:
    """Add what people add: an opening, words of praise, a word without meaning here."""
    if rng.random() < 0.25:
        text = f"{_pick(rng, phrases.OPENINGS)} {text}"
    if rng.random() < 0.2:
        praise = [_pick(rng, phrases.QUALITY) for _ in range(rng.integers(1, 4))]
        text = ", ".join([text, *praise])
    if rng.random() < _NONSENSE:
        letters = rng.choice(list(string.ascii_lowercase), size=rng.integers(2, 9))
        words = text.split()
        words.insert(int(rng.choice([0, len(words)])), "".join(letters))
        text = " ".join(words)
    return text


def _tidy(text: str) -> str:
    """Repair spaces and commas around omitted words, and «a» before a vowel."""
    text = re.sub(r"\s+", " ", text)
    text = re.sub(r"(\s*,)+", ",", text).strip(" ,")
    return re.sub(r"\ba (?=[aeio])", "an ", text)
