"""A T5 tokenizer with its pieces alone reads texts as transformers' class does."""

import json
from pathlib import Path

import pytest

from domain.checkpoints.configurations import tokenizer_of_t5
from tests.unit.filesystem.sentencepieces import SPECIAL, spiece_model

pytestmark = pytest.mark.torch

WORDS = ("\u2581a", "\u2581red", "\u2581cat", "\u2581on", "\u2581", *"abcdenort")


@pytest.mark.parametrize(
    "text", ["a red cat", "a  cat\non a</s> bean", "<extra_id_3> a", "\u2581 zebra", ""]
)
def test_a_text_has_the_same_tokens(tmp_path: Path, text: str) -> None:
    from tokenizers import Tokenizer
    from transformers import T5Tokenizer

    table = tokenizer_of_t5("x", spiece_model((*SPECIAL, *((each, 1) for each in WORDS))), 100)
    vocabulary = [(str(piece), float(score)) for piece, score in table["model"]["vocab"]]
    theirs = T5Tokenizer(vocab=vocabulary)
    ours = Tokenizer.from_str(json.dumps(table))
    assert ours.encode(text).ids == theirs(text).input_ids
    (tmp_path / "tokenizer.json").write_text(json.dumps(table), "utf-8")
    (tmp_path / "tokenizer_config.json").write_text("{}", "utf-8")
    loaded = T5Tokenizer.from_pretrained(str(tmp_path), local_files_only=True)
    assert loaded(text).input_ids == theirs(text).input_ids


def test_a_folder_gets_the_tokenizer_when_it_is_loaded(tmp_path: Path) -> None:
    from adapters.diffusion.loading.folder_index import make_harmless

    folder = tmp_path / "tokenizer"
    folder.mkdir()
    (folder / "spiece.model").write_bytes(spiece_model(SPECIAL))
    (folder / "tokenizer_config.json").write_text('{"extra_ids": 2}', "utf-8")
    make_harmless(str(tmp_path))
    made = json.loads((folder / "tokenizer.json").read_text("utf-8"))
    assert [piece for piece, _ in made["model"]["vocab"]][3:] == ["<extra_id_1>", "<extra_id_0>"]
    # Where another vocabulary is present, the pieces are not read.
    (folder / "tokenizer.json").unlink()
    (folder / "vocab.json").write_text("{}", "utf-8")
    make_harmless(str(tmp_path))
    assert not (folder / "tokenizer.json").exists()
