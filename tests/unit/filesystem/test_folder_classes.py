"""Folders of other classes, and vocabularies that are not whole."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from domain.checkpoints.pipelines import PIPELINE_CLASSES, WITH_ADDITIONS
from domain.models.record import ModelFamily, ModelInput, ModelRecord
from tests.unit.filesystem.model_files import call, legacy_file, tensor, zip_file
from tests.unit.filesystem.sentencepieces import SPECIAL, spiece_model
from tests.unit.filesystem.test_model_folders import FILES, INDEX, WEIGHTS, list_all, write

Files = dict[str, bytes]
STEM = "diffusion_pytorch_model"


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "models"


def listed(models: Path, files: Files) -> ModelRecord:
    write(models / "mine", files)
    (record,) = list_all()
    return record


def of_class(name: str, of_unet: Mapping[str, object], **changes: object) -> Files:
    index = json.dumps({**INDEX, "_class_name": name, **changes}).encode()
    return FILES | {"model_index.json": index, "unet/config.json": json.dumps(of_unet).encode()}


SECOND = {
    "text_encoder_2": ["transformers", "CLIPTextModelWithProjection"],
    "tokenizer_2": ["transformers", "CLIPTokenizer"],
}
OF_SECOND = {
    f"{part}_2/{name.partition('/')[2]}": content
    for part in ("text_encoder", "tokenizer")
    for name, content in FILES.items()
    if name.startswith(f"{part}/")
}


OF_SD_1 = [name for name, loaded in PIPELINE_CLASSES.items() if loaded == "StableDiffusionPipeline"]


@pytest.mark.parametrize("name", OF_SD_1)
def test_each_class_with_the_parts_of_stable_diffusion_is_loadable(models: Path, name: str) -> None:
    found = listed(models, of_class(name, {"cross_attention_dim": 768, "in_channels": 4}))
    assert (found.reason, found.family) == (None, ModelFamily.SD_1)
    assert found.pipeline_inputs == tuple(ModelInput)
    assert ("without its addition" in str(found.note)) is (name in WITH_ADDITIONS)


def test_an_image_to_image_folder_of_sdxl_is_the_refiner_only_by_its_parts(models: Path) -> None:
    base = of_class("StableDiffusionXLImg2ImgPipeline", {"cross_attention_dim": 2048}, **SECOND)
    assert listed(models, base | OF_SECOND).family is ModelFamily.SDXL
    refiner = of_class(
        "StableDiffusionXLImg2ImgPipeline",
        {"cross_attention_dim": 1280},
        **SECOND,
        text_encoder=[None, None],
        tokenizer=[None, None],
    )
    found = listed(models, refiner | OF_SECOND)
    assert found.family is ModelFamily.SDXL_REFINER
    assert "it is the SDXL refiner" in str(found.reason)


@pytest.mark.parametrize("channels", [64, 384])
@pytest.mark.parametrize("name", ["FluxPipeline", "FluxImg2ImgPipeline"])
def test_a_flux_folder_whose_transformer_needs_a_picture_is_refused(
    models: Path, name: str, channels: int
) -> None:
    parts = SECOND | {
        "transformer": ["diffusers", "FluxTransformer2DModel"],
        "unet": [None, None],
    }
    files = of_class(name, {}, **parts) | OF_SECOND
    files |= {
        "transformer/config.json": json.dumps({"in_channels": channels}).encode(),
        f"transformer/{STEM}.safetensors": WEIGHTS,
        "vae/config.json": b'{"latent_channels": 16}',
    }
    found = listed(models, files)
    assert (found.reason is None) is (channels == 64)
    assert ("Fill, Canny or Depth" in str(found.reason)) is (channels == 384)


def merges(*lines: str, tokens: tuple[str, ...] = ("a", "b", "c</w>", "ab", "abc</w>")) -> Files:
    numbers = {token: number for number, token in enumerate((*tokens, "<|endoftext|>"))}
    return FILES | {
        "tokenizer/vocab.json": json.dumps(numbers).encode(),
        "tokenizer/merges.txt": "\n".join(["#version: 0.2", *lines]).encode(),
    }


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        (merges("a b", "ab c</w>", ""), None),
        (merges("a b"), "no pair makes 1 tokens of tokenizer/vocab.json, such as 'abc</w>'"),
        (merges("a b", "ab c</"), "its pair 'ab c</' makes no token"),
        (merges("a b", "ab"), "its pair 'ab' makes no token"),
        (merges("a b", "ab c</w>") | {"tokenizer/merges.txt": b"#version\n\xc3"}, "as UTF-8 does"),
        (merges("a b") | {"tokenizer/vocab.json": b"[]"}, "tokenizer/vocab.json is not a table"),
        (merges("a b") | {"tokenizer/vocab.json": b"{"}, "tokenizer/vocab.json is not JSON"),
        (merges("a b") | {"tokenizer/tokenizer.json": b'{"model": {"vocab": {"a": 0}}}'}, None),
    ],
)
def test_a_vocabulary_that_its_pairs_do_not_make_is_refused(
    models: Path, files: Files, reason: str | None
) -> None:
    found = listed(models, files).reason
    assert found is None if reason is None else reason in str(found)


@pytest.mark.parametrize("words", [b"a\nb\nc\n", b"a\nb"])
def test_a_list_of_words_is_as_long_as_the_text_encoder_knows(models: Path, words: bytes) -> None:
    parts = {"transformer": ["diffusers", "HunyuanDiT2DModel"], "unet": [None, None]}
    bert = ["transformers", "BertTokenizer"]
    files = of_class("HunyuanDiTPipeline", {}, tokenizer=bert, **parts)
    files |= {"transformer/config.json": b"{}", f"transformer/{STEM}.safetensors": WEIGHTS}
    files |= {"tokenizer/vocab.txt": words, "text_encoder/config.json": b'{"vocab_size": 3}'}
    reason = str(listed(models, files).reason)
    assert ("tokenizer/vocab.txt is not whole: it has 2 words" in reason) is (words == b"a\nb")


PIECES = spiece_model((*SPECIAL, *((word, 1) for word in ("\u2581a", "\u2581cat", "t"))))


def of_t5(pieces: bytes, **about: object) -> Files:
    files = of_class("StableDiffusionPipeline", {}, tokenizer=["transformers", "T5Tokenizer"])
    files = {path: each for path, each in files.items() if not path.startswith("tokenizer/")}
    return files | {
        "tokenizer/spiece.model": pieces,
        "tokenizer/tokenizer_config.json": json.dumps(about).encode(),
    }


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        (of_t5(PIECES), None),
        (of_t5(PIECES) | {"text_encoder/config.json": b'{"vocab_size": 106}'}, None),
        (
            of_t5(PIECES) | {"text_encoder/config.json": b'{"vocab_size": 105}'},
            "its tokenizer/spiece.model numbers a token 105; its text encoder has 105",
        ),
        (of_t5(PIECES[:-3]), "its tokenizer/spiece.model is cut off"),
        (of_t5(PIECES[:40]), "its tokenizer/spiece.model is cut off"),
        (of_t5(b"abc"), "its tokenizer/spiece.model is cut off"),
        (of_t5(spiece_model(SPECIAL[:2])), "is not the vocabulary of a T5 tokenizer"),
        (of_t5(spiece_model(SPECIAL, kind=2)), "is not the vocabulary of a T5 tokenizer"),
    ],
)
def test_the_pieces_of_t5_are_read_and_checked(
    models: Path, files: Files, reason: str | None
) -> None:
    found = listed(models, files).reason
    assert found is None if reason is None else reason in str(found)


def test_sentencepiece_of_other_tokenizers_is_not_read(models: Path) -> None:
    files = of_t5(PIECES) | {"tokenizer/tokenizer.model": PIECES}
    index = {**INDEX, "tokenizer": ["transformers", "GemmaTokenizer"]}
    found = listed(models, files | {"model_index.json": json.dumps(index).encode()})
    assert "tokenizer/tokenizer.model alone is not read here" in str(found.reason)


@pytest.mark.parametrize("pack", [zip_file, legacy_file])
def test_a_pickle_of_more_than_tensors_cannot_hold_the_weights_of_a_folder(
    models: Path, pack: object
) -> None:
    assert callable(pack)
    kept = {"loss": call("numpy.core.multiarray.scalar")}
    files = {path: each for path, each in FILES.items() if path != f"unet/{STEM}.safetensors"}
    found = listed(models, files | {f"unet/{STEM}.bin": pack({"w": tensor((2,)), "x": kept})})
    assert f"its file unet/{STEM}.bin cannot be used" in str(found.reason)
    assert "numpy.core.multiarray.scalar beside its tensors" in str(found.reason)
    assert listed(models, files | {f"unet/{STEM}.bin": pack({"w": tensor((2,))})}).reason is None
