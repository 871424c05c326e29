"""The description of the demo checkpoint."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from adapters.filesystem.cards.fields import card_of
from tests.paths import ROOT
from tools.demo_checkpoint.captions.captions import caption
from tools.demo_checkpoint.captions.phrases import known_words
from tools.demo_checkpoint.card import card_text, naming_words
from tools.demo_checkpoint.scenes.flat_scenes import random_flat
from tools.demo_checkpoint.scenes.landscape_scenes import random_landscape

CARD = card_of(json.loads(card_text()))


def test_the_card_beside_the_checkpoint_is_the_output_of_the_tool() -> None:
    assert (ROOT / "ai-models" / "demo.json").read_text(encoding="utf-8") == card_text()


def test_every_word_of_the_card_occurs_in_captions() -> None:
    assert set(naming_words()) <= set(known_words())
    for prompt in CARD.sample_prompts:
        assert set(re.findall(r"[a-z]+", prompt)) <= set(known_words())


@pytest.mark.parametrize("prompt", CARD.sample_prompts)
def test_no_sample_prompt_gets_a_warning(prompt: str) -> None:
    assert CARD.warnings_for("demo", prompt, None) == ()


@pytest.mark.parametrize("prompt", ["a cat", "a big dog in the middle", "masterpiece, 8k, high"])
def test_a_prompt_that_the_model_does_not_draw_gets_a_warning(prompt: str) -> None:
    assert len(CARD.warnings_for("demo", prompt, None)) == 1


def test_no_training_caption_gets_a_warning() -> None:
    rng = np.random.default_rng(0)
    for _ in range(500):
        for scene in (random_flat(rng), random_landscape(rng)):
            text = caption(scene, rng)
            assert not text or CARD.warnings_for("demo", text, None) == (), text
