"""The prompts that a model warns about."""

import pytest

from domain.models.card import ModelCard

CARD = ModelCard(
    description="flat shapes.",
    sample_prompts=("a red circle", "a lake"),
    known_words=("red", "circle", "snow-capped"),
)


def warnings(prompt: str, negative_prompt: str | None = None, card: ModelCard = CARD) -> list[str]:
    return list(card.warnings_for("demo.safetensors", prompt, negative_prompt))


@pytest.mark.parametrize(
    "prompt",
    [
        "a red cat",
        "RED",
        "(circle:1.2), masterpiece",
        "cat,circle,dog",
        "snow-capped hills",
        "a red-haired cat",
        "circle\ncat",
        "circle’s",  # noqa: RUF001 - as phones write it
    ],
)
def test_a_prompt_with_a_known_word_gets_no_warning(prompt: str) -> None:
    assert warnings(prompt) == []


@pytest.mark.parametrize("prompt", ["a cat", "circles", "redder", "une chatte", "猫", "!!!", "_"])
def test_a_prompt_without_a_known_word_gets_a_warning(prompt: str) -> None:
    (warning,) = warnings(prompt)
    assert warning == (
        "demo.safetensors knows no word of the prompt, so the picture does not show it. "
        'It draws this: flat shapes. Try "a red circle"'
    )


def test_a_card_without_a_description_or_samples_warns_without_them() -> None:
    (warning,) = warnings("a cat", card=ModelCard(known_words=("red",)))
    assert warning == (
        "demo.safetensors knows no word of the prompt, so the picture does not show it"
    )


@pytest.mark.parametrize("prompt", ["a cat", "a red circle"])
def test_a_model_without_a_list_of_words_never_warns(prompt: str) -> None:
    assert warnings(prompt, "blurry", card=ModelCard(description="cats")) == []


@pytest.mark.parametrize("negative", [None, "", "red, blurry"])
def test_a_negative_prompt_that_is_known_or_empty_gets_no_warning(
    negative: str | None,
) -> None:
    assert warnings("a red circle", negative) == []


def test_a_negative_prompt_without_a_known_word_gets_its_own_warning() -> None:
    (warning,) = warnings("a red circle", "lowres, bad anatomy")
    assert warning == (
        "demo.safetensors knows no word of the negative prompt, so it keeps nothing out of the "
        "picture"
    )


def test_a_known_word_of_the_negative_prompt_does_not_excuse_the_prompt() -> None:
    (warning,) = warnings("a cat", "red")
    assert "knows no word of the prompt" in warning


def test_both_prompts_may_be_unknown() -> None:
    assert len(warnings("a cat", "a dog")) == 2
