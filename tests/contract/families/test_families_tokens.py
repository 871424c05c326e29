"""The shared vocabulary gives the tokens that the models were trained on."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from adapters.diffusion.families import FAMILIES, configuration_files
from adapters.diffusion.families.vocabulary import merges_text, vocabulary_text
from domain.models.record import ModelFamily
from tests.contract.drawing.prompts import prompts
from tests.paths import ROOT

pytestmark = pytest.mark.torch

# Of the published files `merges.txt` and, with its keys sorted by `json.dumps`, `vocab.json`.
MERGES_SHA256 = "9fd691f7c8039210e0fced15865466c65820d09b63988b0174bfe25de299051a"
VOCABULARY_SHA256 = "51b8a58f8c87bc7af902c70cbcdd0287f5baffaa34044e30b8ff8e22c54ec1a0"
# Of all token numbers that transformers computes for the prompts with those published files.
TOKENS_SHA256 = "329ad9b2402fa24887623b0d60f377b6380f7af432fbc60267b60b562e1f90ed"
TOKENS = {
    "a photo of an astronaut riding a horse": [320, 1125, 539, 550, 18376, 6765, 320, 4558],
    "Don't, it's O'Neill's!": [847, 713, 267, 585, 568, 334, 262, 19324, 568, 256],
    "naïve café": [1097, 35689, 563, 15304],
    "  TWO   spaces\n": [1237, 9006],
    "Ångström straße": [23176, 10352, 807, 7255, 332, 1894, 127, 253, 324],
    "Київ": [27152, 16701, 141, 245, 140, 366],
    "η θάλασσα": [138, 371, 138, 116, 138, 105, 138, 119, 138, 109, 139, 225, 139, 225, 138, 365],
    "שלום": [147, 102, 147, 250, 147, 243, 147, 507],
    "مرحبا": [12986, 10948, 25722, 16378, 22625],
    "नमस्ते": [3124, 101, 48254, 28505, 19389, 27263, 25130],
    "தமிழ்": [6022, 97, 35463, 27126, 6022, 368, 16631],
    "สวัสดี": [37883, 30245, 14978, 37883, 38825, 20278],
    "富士山と桜": [161, 107, 234, 161, 96, 104, 46096, 109, 34671, 162, 94, 506],
    "서울의 밤": [15074, 250, 18541, 116, 8276, 502, 15810, 353],
    "한글": [15197, 250, 32495, 478],
    "\U0001f431\U0001f469\U0001f3fd\u200d\U0001f3a8": [35710, 18800, 8514, 4244, 13461],
    "(blurry:1.2), <lora:x:1>": [
        *(263, 21977, 281, 272, 269, 273, 2361, 283, 2179, 320, 281, 343, 281, 272, 285)
    ],
    "3.14 = π²": [274, 269, 272, 275, 284, 139, 478, 41175],
    "e\u0301 \u1e9e \ufb03": [4166, 127, 509, 171, 105, 481],
    "\U00010330": [172, 238, 234, 364],
}


def tokenizer_of(folder: Path) -> Any:
    from transformers import CLIPTokenizer

    return CLIPTokenizer.from_pretrained(folder, local_files_only=True)


def written(family: ModelFamily, folder: Path) -> Path:
    for name, text in configuration_files(family).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def test_the_vocabulary_is_the_published_one() -> None:
    assert hashlib.sha256(merges_text().encode()).hexdigest() == MERGES_SHA256
    canonical = json.dumps(json.loads(vocabulary_text()), sort_keys=True)
    assert hashlib.sha256(canonical.encode()).hexdigest() == VOCABULARY_SHA256


def test_a_thousand_prompts_in_many_scripts_have_the_reference_tokens(tmp_path: Path) -> None:
    tokenizer = tokenizer_of(written(ModelFamily.SD_1, tmp_path) / "tokenizer")
    for prompt, tokens in TOKENS.items():
        assert tokenizer(prompt).input_ids == [49406, *tokens, 49407], prompt
    made = prompts()
    assert len(set(made)) == 1_000
    numbers = tokenizer(made, truncation=False, verbose=False).input_ids
    assert len({number for row in numbers for number in row}) > 1_000
    assert hashlib.sha256(json.dumps(numbers).encode()).hexdigest() == TOKENS_SHA256


@pytest.mark.parametrize(
    ("family", "reference"),
    [
        (ModelFamily.SD_1, "sd-1"),
        (ModelFamily.SD_1_INPAINT, "sd-1-inpaint"),
        (ModelFamily.SD_2, "sd-2"),
        (ModelFamily.SD_2_V, "sd-2"),
        (ModelFamily.SDXL, "sdxl"),
    ],
)
def test_every_tokenizer_truncates_and_pads_like_the_published_one(
    family: ModelFamily, reference: str, tmp_path: Path
) -> None:
    ours = written(family, tmp_path / "ours")
    for suffix in ("", "_2")[: len(FAMILIES[family].text_encoders)]:
        published = tmp_path / f"published{suffix}"
        published.mkdir()
        source = ROOT / "tests/data/model-configs" / reference / f"tokenizer{suffix}"
        for path in source.iterdir():
            (published / path.name).write_bytes(path.read_bytes())
        (published / "vocab.json").write_text(vocabulary_text(), encoding="utf-8")
        (published / "merges.txt").write_text(merges_text(), encoding="utf-8")
        mine, theirs = tokenizer_of(ours / f"tokenizer{suffix}"), tokenizer_of(published)
        for prompt in ("", "a red circle", "word " * 90, "<|endoftext|> x"):
            options = {"padding": "max_length", "max_length": 77, "truncation": True}
            assert mine(prompt, **options).input_ids == theirs(prompt, **options).input_ids
        assert mine.pad_token_id == theirs.pad_token_id
        assert mine.model_max_length == theirs.model_max_length == 77
