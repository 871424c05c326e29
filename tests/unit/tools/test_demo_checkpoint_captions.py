"""Captions describe scenes correctly, and each of their words is one token."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from tools.demo_checkpoint.captions.captions import caption
from tools.demo_checkpoint.captions.phrases import FEATURE_PHRASES, known_words
from tools.demo_checkpoint.captions.vocabulary import merges_for, tokenizer_files
from tools.demo_checkpoint.scenes.flat_scenes import FlatScene, is_held_out, random_flat
from tools.demo_checkpoint.scenes.landscape_scenes import FEATURES, LandscapeScene, random_landscape
from tools.demo_checkpoint.scenes.palette import COLOURS


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_a_flat_caption_names_the_shape_and_only_its_colours(rng: np.random.Generator) -> None:
    for _ in range(300):
        scene = FlatScene("star", "red", "cyan", "medium", "centre", 0)
        words = set(re.findall(r"[a-z]+", caption(scene, rng)))
        assert "star" in words
        assert words & set(COLOURS) <= {"red", "cyan"}


def test_a_landscape_caption_names_only_what_is_there(rng: np.random.Generator) -> None:
    scene = LandscapeScene("day", frozenset({"mountains", "lake"}), 0)
    forbidden = [p for f in FEATURES if f not in scene.features for p in FEATURE_PHRASES[f]]
    for _ in range(300):
        text = caption(scene, rng)
        assert not any(re.search(rf"\b{phrase}\b", text) for phrase in forbidden), text


def test_some_landscape_captions_do_not_name_the_trees(rng: np.random.Generator) -> None:
    scene = LandscapeScene("day", frozenset({"trees"}), 0)
    texts = [caption(scene, rng) for _ in range(200)]
    named = sum(any(phrase in text for phrase in FEATURE_PHRASES["trees"]) for text in texts)
    assert 0.5 < named / len(texts) < 0.95


def test_captions_name_nothing_more_often_for_fuller_landscapes(rng: np.random.Generator) -> None:
    phrases = "|".join(phrase for said in FEATURE_PHRASES.values() for phrase in said)
    nothing = []
    for count in range(1, 5):
        scene = LandscapeScene("day", frozenset(FEATURES[:count]), 0)
        texts = [caption(scene, rng) for _ in range(3000)]
        nothing.append(sum(not re.search(rf"\b({phrases})\b", text) for text in texts))
    assert nothing == sorted(nothing)
    assert nothing[0] < nothing[-1] / 1.5


def test_an_empty_landscape_has_no_caption(rng: np.random.Generator) -> None:
    assert caption(LandscapeScene("day", frozenset(), 0), rng) == ""


def test_captions_vary_and_are_reproducible(rng: np.random.Generator) -> None:
    scene = random_flat(rng)
    first, again = ([caption(scene, np.random.default_rng(n)) for n in range(50)] for _ in "ab")
    assert first == again
    assert len(set(first)) > 25


def test_held_out_combinations_are_never_drawn(rng: np.random.Generator) -> None:
    scenes = [random_flat(rng) for _ in range(500)]
    assert not any(is_held_out(scene.shape, scene.colour, scene.background) for scene in scenes)


def test_the_rules_of_the_sky_are_kept(rng: np.random.Generator) -> None:
    for _ in range(300):
        scene = random_landscape(rng)
        wrong = {"sun"} if scene.time == "night" else {"moon", "stars"}
        assert not scene.features & wrong
        assert "snow" not in scene.features or "mountains" in scene.features


def test_every_known_word_is_merged_into_one_token() -> None:
    words = known_words()
    whole = {first + second for first, second in merges_for(words)}
    assert {f"{word}</w>" for word in words if len(word) > 1} <= whole


def test_tokens_are_numbered_without_gaps_and_any_byte_has_one() -> None:
    vocabulary = json.loads(tokenizer_files(["red", "circle"])["vocab.json"])
    assert sorted(vocabulary.values()) == list(range(len(vocabulary)))
    assert {"a", "a</w>", "Ã", "Ġ", "<|endoftext|>"} <= set(vocabulary)
