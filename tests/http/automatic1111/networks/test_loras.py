"""LoRAs that a prompt names, in requests for pictures."""

import dataclasses
import json
from typing import Any

import pytest

from domain.generation.parts import PromptSyntax
from domain.models.record import ModelKind, PendingModel, PendingState
from tests.http.automatic1111.addons import addon, with_models
from tests.http.automatic1111.sdapi import (
    IMG2IMG,
    TXT2IMG,
    body,
    drawn_by,
    error_of,
    from_picture,
    places_of,
    refused,
)
from tests.http.conftest import AUTHORIZED, MODEL, Service

STYLE = addon("models/lora/style.safetensors", ModelKind.LORA)
# It has the name of the checkpoint.
SAME = addon("models/lora/a.safetensors", ModelKind.LORA)


@pytest.fixture
def ready(service: Service) -> Service:
    return with_models(service, STYLE, SAME)


def loras(service: Service, prompt: str, **more: Any) -> list[tuple[str, float]]:
    request = drawn_by(service, body(prompt=prompt, **more))
    return [(each.model_id, each.scale) for each in request.loras]


def test_a_prompt_names_loras(ready: Service) -> None:
    request = drawn_by(ready, body(prompt="a <lora:style:0.5> cat<lora:a:-1>"))
    assert [(each.model_id, each.scale) for each in request.loras] == [
        (STYLE.id, 0.5),
        (SAME.id, -1),
    ]
    assert (request.prompt, request.model_id) == ("a  cat", MODEL.id)
    assert request.prompt_syntax is PromptSyntax.WEIGHTED


@pytest.mark.parametrize(
    "name", ["style", "Style", "style.safetensors", STYLE.path, STYLE.id, STYLE.id[:10]]
)
def test_a_lora_has_several_names(ready: Service, name: str) -> None:
    assert loras(ready, f"x <lora:{name}:0.5>") == [(STYLE.id, 0.5)]


def test_img2img_has_them_too(ready: Service) -> None:
    sent = from_picture() | {"prompt": "x <lora:style:2>"}
    assert drawn_by(ready, sent, IMG2IMG).loras[0].scale == 2


def test_a_lora_that_is_named_twice_has_the_sum_of_both_weights(ready: Service) -> None:
    found = loras(ready, "<lora:style:0.5> x <lora:style.safetensors:0.25>")
    assert found == [(STYLE.id, 0.75)]
    sent = body(prompt="<lora:style:3> x <lora:style:2>")
    assert "names a LoRA whose weight is 5.0; it must" in refused(ready, sent, TXT2IMG)["prompt"]


def test_a_prompt_of_loras_alone_is_drawn(ready: Service) -> None:
    assert loras(ready, "<lora:style:1>") == [(STYLE.id, 1)]


def test_the_answer_repeats_the_prompt_as_it_was_sent(ready: Service) -> None:
    prompt = "a <lora:style:0.5> cat"
    response = ready.client.post(TXT2IMG, json=body(prompt=prompt), headers=AUTHORIZED)
    answer = response.get_json()
    info = json.loads(answer["info"])
    assert answer["parameters"]["prompt"] == info["prompt"] == prompt
    assert info["all_prompts"] == [prompt]
    assert "<lora:style:0.5>" in info["infotexts"][0]
    assert f'"style: {STYLE.id[:10]}"' in info["infotexts"][0]
    assert "style" in info["extra_generation_params"]["Lora hashes"]


def test_an_unknown_lora_is_404(ready: Service) -> None:
    response = ready.client.post(TXT2IMG, json=body(prompt="<lora:none:1>"), headers=AUTHORIZED)
    error = error_of(response, 404)
    assert error["error"] == "model_not_found"
    assert error["detail"][0]["loc"] == ["body", "prompt"]
    assert error["errors"] == "the LoRA 'none' is not there; GET /sdapi/v1/loras lists all"
    assert ready.generator.drawn == []


def test_a_lora_whose_file_is_not_complete_is_told(ready: Service) -> None:
    late = PendingModel("late.pt", "models/late.pt", 7, PendingState.SETTLING, reason="it is cut")
    ready.source.pending = (late,)
    ready.container.model_registry().look()
    response = ready.client.post(TXT2IMG, json=body(prompt="<lora:late:1>"), headers=AUTHORIZED)
    text = error_of(response, 404)["errors"]
    assert "'late' is not there (late.pt is not listed yet: it is cut)" in text


def test_a_lora_is_never_another_kind_of_model(ready: Service) -> None:
    with_models(ready, addon("models/control.safetensors", ModelKind.CONTROLNET))
    for name in ("control", MODEL.id):
        sent = body(prompt=f"<lora:{name}:1>")
        error_of(ready.client.post(TXT2IMG, json=sent, headers=AUTHORIZED), 404)


def test_a_name_of_two_loras_is_404_with_both(ready: Service) -> None:
    other = addon("models/other/style.pt", ModelKind.LORA)
    with_models(ready, other)
    sent = body(prompt="<lora:style:1>")
    text = error_of(ready.client.post(TXT2IMG, json=sent, headers=AUTHORIZED), 404)["errors"]
    assert STYLE.path in text
    assert other.path in text
    assert loras(ready, "<lora:style.pt:1>") == [(other.id, 1)]


def test_a_lora_that_cannot_be_used_is_refused_with_its_reason(ready: Service) -> None:
    broken = dataclasses.replace(
        addon("models/broken.pt", ModelKind.LORA), is_companion=False, reason="it is cut off"
    )
    with_models(ready, broken)
    sent = body(prompt="<lora:broken:1>")
    response = ready.client.post(TXT2IMG, json=sent, headers=AUTHORIZED)
    assert "it is cut off" in error_of(response, 422)["errors"]


@pytest.mark.parametrize(
    "sent, place",
    [
        ({"prompt": "<hypernet:x:1>"}, "prompt"),
        ({"prompt": "<lora:style:9>"}, "prompt"),
        ({"prompt": "<lora:style:0.5:1>"}, "prompt"),
        ({"prompt": "<lora:style:1>" * 9}, "prompt"),
        ({"negative_prompt": "<lora:style:1>"}, "negative_prompt"),
        ({"negative_prompt": "<hypernet:x:1>"}, "negative_prompt"),
    ],
)
def test_what_cannot_be_followed_is_refused(
    ready: Service, sent: dict[str, Any], place: str
) -> None:
    assert list(refused(ready, body() | sent, TXT2IMG)) == [place]


def test_every_wrong_field_is_named_at_once(ready: Service) -> None:
    sent = {"prompt": "<hypernet:x:1>", "negative_prompt": "<lora:style:1>", "steps": 0}
    response = ready.client.post(TXT2IMG, json=sent, headers=AUTHORIZED)
    assert set(places_of(response)) == sent.keys()
