"""Prompts as diffusers encodes them, and longer ones."""

from functools import partial
from typing import Any

import pytest

pytestmark = pytest.mark.torch


@pytest.fixture(scope="module")
def pipeline() -> Any:
    from adapters.diffusion.devices.device import find_device
    from adapters.diffusion.loading.loader import load_pipeline
    from tests.contract.conftest import DEMO_MODEL

    return load_pipeline(DEMO_MODEL, find_device("cpu", "float32"))


def words(pipeline: Any, count: int) -> str:
    """Return a prompt of exactly `count` tokens."""
    text = " ".join(["red"] * count)
    assert len(pipeline.tokenizer(text, add_special_tokens=False).input_ids) == count
    return text


@pytest.mark.parametrize("negative", [None, "", "a blue square"])
@pytest.mark.parametrize("count", [1, 12, 75])
def test_up_to_75_tokens_are_encoded_as_in_diffusers(
    pipeline: Any, count: int, negative: str | None
) -> None:
    import torch

    from adapters.diffusion.drawing.prompts.encoding import encode_prompts

    prompt = words(pipeline, count)
    ours = encode_prompts(pipeline, prompt, negative)
    theirs = pipeline.encode_prompt(prompt, "cpu", 1, True, negative)
    assert torch.equal(ours.prompt, theirs[0])
    assert torch.equal(ours.negative, theirs[1])


@pytest.mark.parametrize(("count", "pieces"), [(75, 1), (76, 2), (150, 2), (151, 3)])
def test_longer_prompts_are_read_to_their_end(pipeline: Any, count: int, pieces: int) -> None:
    import torch

    from adapters.diffusion.drawing.prompts.encoding import encode_prompts

    prompt = words(pipeline, count)
    encoding = encode_prompts(pipeline, prompt, None)
    assert encoding.negative is not None
    assert encoding.prompt.shape == encoding.negative.shape
    assert encoding.length == 77 * pieces
    other = encode_prompts(pipeline, prompt[: -len("red")] + "blue", None)
    assert not torch.equal(encoding.prompt, other.prompt)


def test_the_longer_prompt_decides_the_length(pipeline: Any) -> None:
    from adapters.diffusion.drawing.prompts.encoding import encode_prompts

    encoding = encode_prompts(pipeline, "red", words(pipeline, 80))
    assert encoding.negative is not None
    assert encoding.prompt.shape == encoding.negative.shape
    assert encoding.length == 154


@pytest.mark.parametrize("prompt", ["日本語の絵", "🎨", "<|endoftext|> red", "\t\n", "a" * 1000])
def test_any_text_is_encoded(pipeline: Any, prompt: str) -> None:
    from adapters.diffusion.drawing.prompts.encoding import encode_prompts

    assert encode_prompts(pipeline, prompt, None).length % 77 == 0


class Counted:
    """Counts the calls of a text encoder."""

    def __init__(self, pipeline: Any) -> None:
        self.calls = 0
        pipeline.text_encoder.register_forward_pre_hook(self)

    def __call__(self, *_: Any) -> None:
        self.calls += 1


def test_a_text_is_encoded_once_and_shared_with_other_prompts(pipeline: Any) -> None:
    import torch

    from adapters.diffusion.drawing.prompts.cache import EncodingKey, PromptCache
    from adapters.diffusion.drawing.prompts.encoding import encode_prompts

    counted, kept = Counted(pipeline), PromptCache().under(EncodingKey(()))
    asked = [("red", "blue"), ("red", "blue"), ("green", "blue"), ("blue", "red")]
    encodings = [encode_prompts(pipeline, *each, kept=kept) for each in asked]
    assert counted.calls == 3
    for encoding, each in zip(encodings, asked, strict=True):
        anew = encode_prompts(pipeline, *each)
        assert torch.equal(encoding.prompt, anew.prompt)
        assert torch.equal(encoding.negative, anew.negative)


def test_the_same_text_with_another_length_is_another_entry(pipeline: Any) -> None:
    from adapters.diffusion.drawing.prompts.cache import EncodingKey, PromptCache
    from adapters.diffusion.drawing.prompts.encoding import encode_prompts

    kept = PromptCache().under(EncodingKey(()))
    assert encode_prompts(pipeline, "red", "", kept=kept).length == 77
    assert encode_prompts(pipeline, "red", words(pipeline, 80), kept=kept).length == 154


def test_without_guidance_the_negative_prompt_is_not_encoded(pipeline: Any) -> None:
    import torch

    from adapters.diffusion.drawing.prompts.encoding import encode_prompts

    counted = Counted(pipeline)
    encoding = encode_prompts(pipeline, "red", words(pipeline, 80), guided=False)
    assert counted.calls == 1
    assert encoding.length == 77
    assert (encoding.negative, encoding.negative_pooled) == (None, None)
    assert torch.equal(encoding.prompt, encode_prompts(pipeline, "red", None).prompt)


@pytest.mark.parametrize(
    ("limit", "kept"), [(3 * 4000, 3), (3 * 4000 - 1, 2), (4000, 1), (3999, 0)]
)
def test_the_most_recent_texts_are_cached(limit: int, kept: int) -> None:
    import torch

    from adapters.diffusion.drawing.prompts.cache import EncodingKey, PromptCache

    cache, made = PromptCache(limit), []

    def ask(name: str) -> None:
        def encode() -> tuple[torch.Tensor, ...]:
            made.append(name)
            return (torch.zeros(1000),)

        cache.under(EncodingKey(())).get(name, encode)

    for name in "abc":
        ask(name)
    assert cache.used == kept * 4000
    for name in "cba"[:kept]:
        ask(name)
    assert made == ["a", "b", "c"]


def test_a_key_never_shares_the_encodings_of_another() -> None:
    import torch

    from adapters.diffusion.drawing.prompts.cache import EncodingKey, PromptCache

    cache = PromptCache()
    keys = [
        EncodingKey(facts)
        for facts in (
            (),
            (("model_id", "a"),),
            (("model_id", "b"),),
            (("model_id", "a"), ("clip_skip", 1)),
            (("model_id", "a"), ("clip_skip", 2)),
            (("model_id", "a"), ("loras", (("c", 0.5),))),
            (("model_id", "a"), ("loras", (("c", 1.0),))),
            (("model_id", "a"), ("prompt_syntax", "weighted")),
        )
    ]
    for number, key in enumerate(keys):
        cache.under(key).get("text", partial(torch.tensor, [number]))
    found = [int(cache.under(key).get("text", lambda: torch.tensor([-1]))) for key in keys]
    assert found == list(range(len(keys)))


def test_a_pipelines_own_encoding_is_remembered_under_its_key_alone() -> None:
    import torch

    from adapters.diffusion.drawing.prompts.cache import (
        EncodingKey,
        PromptCache,
        remembered_prompts,
    )

    class Pipeline:
        calls = 0

        def encode_prompt(self, prompt: str, *, device: str) -> torch.Tensor:
            self.calls += 1
            return torch.tensor([self.calls])

    pipeline: Any = Pipeline()
    cache = PromptCache()
    plain, changed = (EncodingKey((("loras", given),)) for given in ((), ("a",)))
    answers = []
    for key in (plain, changed, plain, changed):
        with remembered_prompts(pipeline, cache.under(key)):
            answers.append(int(pipeline.encode_prompt("text", device="cpu")))
    assert answers == [1, 2, 1, 2]


def test_every_field_of_a_request_that_is_not_known_to_leave_texts_alone_is_in_the_key() -> None:
    import dataclasses

    from adapters.diffusion.drawing.prompts.cache import NOT_OF_THE_TEXT, EncodingKey
    from tests.contract.drawing.drawing import demo_request

    fields = {row.name for row in dataclasses.fields(demo_request())}
    assert fields >= NOT_OF_THE_TEXT
    key = EncodingKey.of(demo_request())
    assert {name for name, _ in key.facts} == fields - NOT_OF_THE_TEXT
    assert "model_id" in dict(key.facts)
    assert hash(key) == hash(EncodingKey.of(demo_request(prompt="other", seed=9, width=512)))
    assert key != EncodingKey.of(demo_request(model_id="f" * 64))


def test_pictures_and_enlarging_leave_texts_alone() -> None:
    from adapters.diffusion.drawing.prompts.cache import EncodingKey
    from domain.generation.parts import Control, SecondPass, SourceImage, Upscale
    from domain.pictures import PictureRef
    from tests.contract.drawing.drawing import demo_request

    ref = PictureRef(id="a" * 64, media_type="image/png", size=9, width=8, height=8)
    key = EncodingKey.of(demo_request())
    for part in (
        {"source": SourceImage(init_image=ref, strength=0.4)},
        {"second_pass": SecondPass()},
        {"upscale": Upscale(model_id="b" * 64)},
        {"controls": (Control(model_id="c" * 64, image=ref),)},
        {"vae_id": "d" * 64},
    ):
        assert EncodingKey.of(demo_request(**part)) == key
