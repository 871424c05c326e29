"""Prompts get the numbers of the published tokenizers."""

from collections.abc import Mapping
from typing import Any

import pytest

from domain.errors import ModelNotLoadable
from tests.fakes.sentencepiece import gemma_pieces, spiece_model

pytestmark = pytest.mark.torch

_TURN = [151644, 872, 198, 64, 8251, 151645, 198, 151644, 77091, 198]
"""«<|im_start|>user», a line feed, «a cat<|im_end|>», …, as Qwen/Qwen3-4B numbers them."""


@pytest.mark.parametrize(
    ("thinks", "numbers"),
    [(True, _TURN), (False, [*_TURN, 151667, 271, 151668, 271])],  # Z-Image, FLUX.2 klein
)
def test_a_prompt_as_a_chat_has_the_numbers_of_qwen_3(thinks: bool, numbers: list[int]) -> None:
    from adapters.diffusion.untrusted.chat_template import CHAT_TEMPLATE
    from adapters.diffusion.vocabularies.qwen import qwen_3_tokenizer

    tokenizer = qwen_3_tokenizer()
    tokenizer.chat_template = CHAT_TEMPLATE
    text = tokenizer.apply_chat_template(
        [{"role": "user", "content": "a cat"}],
        tokenize=False,
        add_generation_prompt=True,
        enable_thinking=thinks,
    )
    assert tokenizer(text).input_ids == numbers
    padded = tokenizer(text, padding="max_length", max_length=16).input_ids
    assert padded == numbers + [151643] * (16 - len(numbers))


def test_qwen_image_leaves_out_the_numbers_of_its_instruction() -> None:
    from diffusers import QwenImagePipeline

    from adapters.diffusion.vocabularies.qwen import qwen_2_5_tokenizer

    tokenizer = qwen_2_5_tokenizer()
    pipeline: Any = QwenImagePipeline(
        scheduler=None, vae=None, text_encoder=None, tokenizer=tokenizer, transformer=None
    )
    numbers = tokenizer(pipeline.prompt_template_encode.format("a cat")).input_ids
    assert numbers[:3] == [151644, 8948, 198]
    assert numbers[pipeline.prompt_template_encode_start_idx :] == _TURN[3:]


def test_only_qwen_3_has_a_mark_for_thoughts() -> None:
    from adapters.diffusion.vocabularies.qwen import qwen_2_5_tokenizer, qwen_3_tokenizer

    assert (len(qwen_2_5_tokenizer()), len(qwen_3_tokenizer())) == (151_665, 151_669)
    assert qwen_3_tokenizer()("<think>").input_ids == [151667]
    assert qwen_2_5_tokenizer()("<think>").input_ids == [13708, 766, 29]
    assert qwen_2_5_tokenizer()("<|vision_start|>").input_ids == [151652]


def test_the_published_tokens_make_the_merges_again() -> None:
    import base64

    from tools.fetch_qwen_vocabulary import merges_of, packed

    tokens = [bytes([byte]) for byte in range(256)] + [b"  ", b"in", b" in", b"   in"]
    lines = [base64.b64encode(token) + b" %d" % number for number, token in enumerate(tokens)]
    assert merges_of(b"\n".join(lines)) == "\u0120 \u0120\ni n\n\u0120 in\n\u0120\u0120 \u0120in\n"
    assert packed("x" * 1000) == packed("x" * 1000)
    with pytest.raises(ValueError, match="not the union of two tokens"):
        merges_of(b"\n".join([*lines[:256], base64.b64encode(b"abc") + b" 256"]))


def test_gemma_reads_prompts_with_the_tokenizer_in_the_file() -> None:
    from adapters.diffusion.loading.sets.gemma_tokenizer import gemma_tokenizer

    content: list[float] = list(spiece_model(gemma_pieces()))
    tokenizer = gemma_tokenizer(_parts({"model.norm.weight": [0.0], "spiece_model": content}), 512)
    pieces = [text for text, _ in gemma_pieces()]
    told = [pieces[number] for number in tokenizer("a red fox é").input_ids]
    assert told == ["<bos>", "a", "\u2581red", "\u2581fox", "\u2581", "<0xC3>", "<0xA9>"]
    assert tokenizer.pad_token_id == 0


@pytest.mark.parametrize(
    ("weights", "tokens", "reason"),
    [
        ({"model.norm.weight": [0.0]}, 512, "Gemma 2 without its tokenizer"),
        ({"spiece_model": [10, 127]}, 512, "not a tokenizer of SentencePiece"),
        ({"spiece_model": [0.5]}, 512, "not a tokenizer of at most"),
        ({"spiece_model": list(spiece_model(gemma_pieces()))}, 10, "its text encoder has 10"),
        # With «<mask>», which the class adds, there is one token more than rows.
        (
            {"spiece_model": list(spiece_model(gemma_pieces()))},
            len(gemma_pieces()),
            "numbers a token",
        ),
    ],
)
def test_a_tokenizer_that_cannot_be_used_is_refused_with_its_reason(
    weights: Mapping[str, list[float]], tokens: int, reason: str
) -> None:
    from adapters.diffusion.loading.sets.gemma_tokenizer import gemma_tokenizer

    with pytest.raises(ModelNotLoadable, match=reason):
        gemma_tokenizer(_parts(weights), tokens)


def _parts(weights: Mapping[str, list[float]]) -> Any:
    """Return the files of a set that has a text encoder with these tensors."""
    import torch

    from adapters.diffusion.devices.device import find_device
    from adapters.diffusion.loading.sets.parts import Parts
    from adapters.diffusion.loading.sets.stored import Stored
    from adapters.diffusion.loading.weights import tensor_facts

    tensors = {
        name: torch.tensor(
            numbers, dtype=torch.uint8 if isinstance(numbers[0], int) else torch.float32
        )
        for name, numbers in weights.items()
    }
    stored = Stored.of("gemma.safetensors", tensors, tensor_facts(tensors))
    device = find_device("cpu", "float32")
    files = {"text_encoder": stored.file}
    return Parts({"text_encoder": lambda: stored}, device, lambda: None, files)
