"""Words of a prompt that are names of embeddings."""

import dataclasses
import json

import pytest

from domain.checkpoints.header_values import TensorFacts
from domain.models.record import ModelKind
from tests.http.automatic1111.addons import addon, with_models
from tests.http.automatic1111.sdapi import TXT2IMG, body, drawn_by, error_of
from tests.http.conftest import AUTHORIZED, Service

BAD = addon("models/embeddings/bad-hands.pt", ModelKind.EMBEDDING)
PAPER = addon("models/embeddings/papercut.safetensors", ModelKind.EMBEDDING)


def facts(**shapes: tuple[int, ...]) -> dict[str, TensorFacts]:
    return {name: TensorFacts("float32", shape) for name, shape in shapes.items()}


@pytest.fixture
def ready(service: Service) -> Service:
    return with_models(service, BAD, PAPER)


def tokens(service: Service, prompt: str, negative: str = "") -> list[tuple[str, str | None]]:
    request = drawn_by(service, body(prompt=prompt, negative_prompt=negative))
    return [(each.model_id, each.token) for each in request.embeddings]


@pytest.mark.parametrize(
    "prompt",
    [
        *("papercut", "a papercut cat", "a cat, papercut.", "(papercut:1.3)", "[papercut:x:0.5]"),
        *("PaperCut", "papercut\ncat", "x BREAK papercut", "papercut papercut"),
    ],
)
def test_a_word_that_is_the_name_of_an_embedding_stands_for_it(ready: Service, prompt: str) -> None:
    assert tokens(ready, prompt) == [(PAPER.id, "papercut")]


@pytest.mark.parametrize(
    "prompt", ["a cat", "papercuts", "paper cut", "papercut-like", "bad hands"]
)
def test_other_words_stand_for_themselves(ready: Service, prompt: str) -> None:
    assert tokens(ready, prompt) == []


def test_words_of_both_prompts_are_found(ready: Service) -> None:
    assert tokens(ready, "papercut", "ugly, bad-hands") == [
        (PAPER.id, "papercut"),
        (BAD.id, "bad-hands"),
    ]


def test_a_request_that_names_none_is_the_same_as_without_any(ready: Service) -> None:
    with_embeddings = drawn_by(ready, body(seed=5))
    ready.source.others = ()
    ready.container.model_registry().refresh()
    without = drawn_by(ready, body(seed=5))
    assert dataclasses.replace(with_embeddings, id=without.id) == without


def test_the_word_of_an_embedding_that_does_not_fit_is_told(ready: Service) -> None:
    ready.headers.held[PAPER.id] = facts(emb_params=(1, 768))
    response = ready.client.post(TXT2IMG, json=body(prompt="a papercut"), headers=AUTHORIZED)
    (warning,) = json.loads(response.get_json()["info"])["warnings"]
    assert warning == (
        "the word 'papercut' was drawn as it is, because the embedding of this name is "
        "papercut.safetensors, which does not fit a.safetensors: its vectors have 768 numbers, and "
        "the checkpoint's tokens have 128"
    )
    assert ready.generator.drawn[-1].embeddings == ()


def test_an_embedding_whose_file_is_gone_is_a_plain_word(ready: Service) -> None:
    ready.headers.gone.add(PAPER.id)
    response = ready.client.post(TXT2IMG, json=body(prompt="a papercut"), headers=AUTHORIZED)
    assert "which cannot be read" in json.loads(response.get_json()["info"])["warnings"][0]


def test_of_two_embeddings_with_one_name_that_which_fits_is_meant(ready: Service) -> None:
    other = addon("models/sdxl/papercut.safetensors", ModelKind.EMBEDDING)
    with_models(ready, other)
    response = ready.client.post(TXT2IMG, json=body(prompt="papercut"), headers=AUTHORIZED)
    text = error_of(response, 404)["errors"]
    assert PAPER.path in text
    assert other.path in text


def test_one_that_does_not_fit_hides_no_other_of_its_name(ready: Service) -> None:
    other = addon("models/a/papercut.safetensors", ModelKind.EMBEDDING)
    with_models(ready, other)
    ready.headers.held[other.id] = facts(clip_l=(1, 768), clip_g=(1, 1280))
    assert tokens(ready, "papercut") == [(PAPER.id, "papercut")]


def test_the_word_of_an_embedding_that_cannot_be_used_is_told(ready: Service) -> None:
    broken = dataclasses.replace(
        addon("models/b/cat.pt", ModelKind.EMBEDDING), is_companion=False, reason="it holds NaN"
    )
    with_models(ready, broken, addon("models/b/!!!.pt", ModelKind.EMBEDDING))
    sent = body(prompt="a cat !!!")
    info = json.loads(ready.client.post(TXT2IMG, json=sent, headers=AUTHORIZED).get_json()["info"])
    assert ready.generator.drawn[-1].embeddings == ()
    assert info["warnings"] == [
        "the word 'cat' was drawn as it is, because the embedding of this name is cat.pt, which "
        "cannot be used: it holds NaN"
    ]


def test_an_embedding_that_cannot_be_used_hides_no_other_of_its_name(ready: Service) -> None:
    broken = addon("models/a/papercut.pt", ModelKind.EMBEDDING)
    with_models(ready, dataclasses.replace(broken, is_companion=False))
    assert tokens(ready, "papercut") == [(PAPER.id, "papercut")]


def test_the_parameters_tell_the_embeddings(ready: Service) -> None:
    sent = body(prompt="papercut")
    info = json.loads(ready.client.post(TXT2IMG, json=sent, headers=AUTHORIZED).get_json()["info"])
    assert f"papercut: {PAPER.id[:10]}" in info["extra_generation_params"]["TI hashes"]


@pytest.mark.parametrize(
    "tensors, shape, vectors, list_",
    [
        (facts(emb_params=(4, 128)), 128, 4, "loaded"),
        (facts(emb_params=(128,)), 128, 1, "loaded"),
        (facts(emb_params=(4, 768)), 768, 4, "skipped"),
        (facts(clip_l=(3, 768), clip_g=(3, 1280)), 2048, 3, "skipped"),
        ({}, None, None, "skipped"),
    ],
)
def test_embeddings_are_listed_with_their_vectors(
    ready: Service,
    tensors: dict[str, TensorFacts],
    shape: int | None,
    vectors: int | None,
    list_: str,
) -> None:
    ready.headers.held[PAPER.id] = tensors
    ready.headers.gone.add(BAD.id)
    found = ready.client.get("/sdapi/v1/embeddings", headers=AUTHORIZED).get_json()
    known = {"step": None, "sd_checkpoint": None, "sd_checkpoint_name": None}
    row = {**known, "shape": shape, "vectors": vectors}
    assert found[list_]["papercut"] == row
    assert found["skipped"]["bad-hands"] == {**known, "shape": None, "vectors": None}
    assert sum(map(len, found.values())) == 2
