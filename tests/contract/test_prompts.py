"""Prompts as diffusers encodes them, and longer ones."""

from typing import Any

import pytest

pytestmark = pytest.mark.torch


@pytest.fixture(scope="module")
def pipeline() -> Any:
    from adapters.diffusion.device import find_device
    from adapters.diffusion.loader import load_pipeline
    from tests.contract.conftest import DEMO_MODEL

    return load_pipeline(DEMO_MODEL, find_device("cpu", "float32"))


def words(pipeline: Any, count: int) -> str:
    """A prompt of exactly `count` tokens."""
    text = " ".join(["red"] * count)
    assert len(pipeline.tokenizer(text, add_special_tokens=False).input_ids) == count
    return text


@pytest.mark.parametrize("negative", [None, "", "a blue square"])
@pytest.mark.parametrize("count", [1, 12, 75])
def test_up_to_75_tokens_are_encoded_as_diffusers_does_it(
    pipeline: Any, count: int, negative: str | None
) -> None:
    import torch

    from adapters.diffusion.prompts import encode_prompts

    prompt = words(pipeline, count)
    ours = encode_prompts(pipeline, prompt, negative)
    theirs = pipeline.encode_prompt(prompt, "cpu", 1, True, negative)
    assert torch.equal(ours.prompt, theirs[0])
    assert torch.equal(ours.negative, theirs[1])


@pytest.mark.parametrize(("count", "pieces"), [(75, 1), (76, 2), (150, 2), (151, 3)])
def test_longer_prompts_are_read_to_their_end(pipeline: Any, count: int, pieces: int) -> None:
    import torch

    from adapters.diffusion.prompts import encode_prompts

    prompt = words(pipeline, count)
    encoding = encode_prompts(pipeline, prompt, None)
    assert encoding.prompt.shape == encoding.negative.shape
    assert encoding.length == 77 * pieces
    other = encode_prompts(pipeline, prompt[: -len("red")] + "blue", None)
    assert not torch.equal(encoding.prompt, other.prompt)


def test_the_longer_of_the_two_decides_the_length(pipeline: Any) -> None:
    from adapters.diffusion.prompts import encode_prompts

    encoding = encode_prompts(pipeline, "red", words(pipeline, 80))
    assert encoding.prompt.shape == encoding.negative.shape
    assert encoding.length == 154


@pytest.mark.parametrize("prompt", ["日本語の絵", "🎨", "<|endoftext|> red", "\t\n", "a" * 1000])
def test_any_text_is_encoded(pipeline: Any, prompt: str) -> None:
    from adapters.diffusion.prompts import encode_prompts

    assert encode_prompts(pipeline, prompt, None).length % 77 == 0
