"""The tokenizers that come with the project read as the published ones do."""

import json
from pathlib import Path

import pytest

from tools.make_t5_vocabulary import vocabulary_of

pytestmark = pytest.mark.torch

# Made with Google's SentencePiece 0.2 from the published `spiece.model`, and the mark of the end.
# «translate English to German…» is the example of the T5 paper's code.
_PUBLISHED = {
    "": [1],
    "a photo of a cat": [3, 9, 1202, 13, 3, 9, 1712, 1],
    "translate English to German: That is good.": [
        *(13959, 1566, 12, 2968, 10, 466, 19, 207, 5, 1),
    ],
}


@pytest.mark.parametrize("text", _PUBLISHED)
def test_t5_reads_texts_as_sentencepiece_does(text: str) -> None:
    from adapters.diffusion.vocabularies.t5 import t5_tokenizer

    tokenizer = t5_tokenizer(512)
    assert tokenizer(text).input_ids == _PUBLISHED[text]
    assert len(tokenizer) == 32_100
    assert tokenizer.model_max_length == 512
    assert tokenizer("<extra_id_0><extra_id_99>").input_ids == [32_099, 32_000, 1]


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("\ufb01ve  \u2460\u2461  \uff21\uff22\uff23", "five 12 ABC"),
        ("  tab\tand\nline ", "tab and line"),
        ("caf\u0065\u0301", "café"),
    ],
)
def test_t5_takes_characters_that_look_alike_as_equal(text: str, same: str) -> None:
    from adapters.diffusion.vocabularies.t5 import t5_tokenizer

    tokenizer = t5_tokenizer(512)
    assert tokenizer(text).input_ids == tokenizer(same).input_ids


def test_t5_pads_and_cuts_as_the_pipelines_ask() -> None:
    from adapters.diffusion.vocabularies.t5 import t5_tokenizer

    tokenizer = t5_tokenizer(512)
    found = tokenizer("a photo of a cat", padding="max_length", max_length=10, truncation=True)
    assert found.input_ids == [3, 9, 1202, 13, 3, 9, 1712, 1, 0, 0]
    assert found.attention_mask == [1] * 8 + [0] * 2
    assert tokenizer("a photo of a cat", max_length=4, truncation=True).input_ids == [3, 9, 1202, 1]


def test_a_folder_with_the_same_pieces_reads_the_same(tmp_path: Path) -> None:
    from transformers import T5TokenizerFast

    from adapters.diffusion.vocabularies.t5 import t5_tokenizer

    own = t5_tokenizer(512)
    own.save_pretrained(tmp_path)
    folder = T5TokenizerFast.from_pretrained(tmp_path, local_files_only=True)
    text = "«naïve» 1024×768 日本 (masterpiece:1.2) <extra_id_5> </s>"
    assert folder(text).input_ids == own(text).input_ids
    assert json.loads((tmp_path / "tokenizer.json").read_text("utf-8"))["model"]["unk_id"] == 2


@pytest.mark.parametrize(("pad", "number"), [("<|endoftext|>", 49_407), ("!", 0)])
def test_clip_pads_with_the_token_of_each_text_encoder(pad: str, number: int) -> None:
    from adapters.diffusion.loading.sets.clip_tokenizer import clip_tokenizer

    found = clip_tokenizer(pad)("a photo of a cat", padding="max_length", max_length=9)
    assert found.input_ids == [49406, 320, 1125, 539, 320, 2368, 49407, number, number]


def test_the_tool_reads_pieces_and_characters_from_a_model_of_sentencepiece() -> None:
    piece = b"\x0a\x03<s>" + b"\x15" + b"\x00\x00\x80\xbf" + b"\x18\x03"
    table = b"\x0a\x04nmt_" + b"\x12\x02\x01\xff"
    model = b"\x0a" + bytes([len(piece)]) + piece + b"\x1a" + bytes([len(table)]) + table
    assert vocabulary_of(model) == {"pieces": [["<s>", -1.0]], "characters": "Af8="}
