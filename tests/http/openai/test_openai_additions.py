"""Models beside the checkpoint as further fields of requests in the OpenAI API."""

import base64
import json
from typing import Any

import pytest
from werkzeug.test import TestResponse

from domain.generation.parts import PromptSyntax
from domain.models.record import ModelKind
from tests.http.automatic1111.addons import CANNY, addon, with_models
from tests.http.conftest import AUTHORIZED, MODEL, Service
from tests.http.openai.edits import edit, picture

URL = "/openai/v1/images/generations"
STYLE = addon("models/lora/style.safetensors", ModelKind.LORA)
INK = addon("models/lora/ink.safetensors", ModelKind.LORA)
WORD = addon("models/e/word.pt", ModelKind.EMBEDDING)
VAE = addon("models/vae/v.pt", ModelKind.VAE)
LORAS = [{"model_id": "style", "scale": 0.5}, {"model_id": INK.id}]


@pytest.fixture
def ready(service: Service) -> Service:
    return with_models(service, STYLE, INK, WORD, VAE, CANNY)


def generate(service: Service, **fields: Any) -> TestResponse:
    sent = {"model": MODEL.id, "prompt": "a red circle", "size": "256x256", **fields}
    return service.client.post(URL, json=sent, headers=AUTHORIZED)


def error_of(response: TestResponse, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.get_data(as_text=True)
    error: dict[str, Any] = response.get_json()["error"]
    assert error["type"] == "invalid_request_error"
    return error


def control() -> dict[str, Any]:
    image = {"base64": base64.b64encode(picture()).decode()}
    return {"model_id": "control_canny", "image": image, "preprocessor": "canny"}


def test_generations_have_every_addition(ready: Service) -> None:
    response = generate(
        ready,
        loras=LORAS,
        embeddings=[{"model_id": "word", "token": "w"}],
        vae_id="v",
        controls=[control()],
        prompt_syntax="weighted",
        clip_skip=2,
    )
    assert response.status_code == 200, response.get_data(as_text=True)
    drawn = ready.generator.drawn[-1]
    assert [(each.model_id, each.scale) for each in drawn.loras] == [(STYLE.id, 0.5), (INK.id, 1)]
    assert [(each.model_id, each.token) for each in drawn.embeddings] == [(WORD.id, "w")]
    assert (drawn.vae_id, drawn.clip_skip) == (VAE.id, 2)
    assert drawn.prompt_syntax is PromptSyntax.WEIGHTED
    assert drawn.controls[0].model_id == CANNY.id


def test_a_prompt_of_this_api_is_plain_text(ready: Service) -> None:
    assert generate(ready, prompt="(a:1.2) <lora:style:1> word").status_code == 200
    drawn = ready.generator.drawn[-1]
    assert (drawn.prompt_syntax, drawn.loras, drawn.embeddings) == (PromptSyntax.PLAIN, (), ())


def test_edits_have_them_as_json_texts_and_as_names(ready: Service) -> None:
    response = edit(
        ready,
        loras=json.dumps(LORAS),
        vae_id="v",
        clip_skip="2",
        prompt_syntax="weighted",
        **{
            "embeddings[][model_id]": "word",
            "controls[0][model_id]": "control_canny",
            "controls[0][image][base64]": base64.b64encode(picture()).decode(),
            "controls[0][scale]": "0.5",
        },
    )
    assert response.status_code == 200, response.get_data(as_text=True)
    drawn = ready.generator.drawn[-1]
    assert [(each.model_id, each.scale) for each in drawn.loras] == [(STYLE.id, 0.5), (INK.id, 1)]
    assert [(each.model_id, each.token) for each in drawn.embeddings] == [(WORD.id, "word")]
    assert (drawn.vae_id, drawn.clip_skip, drawn.controls[0].scale) == (VAE.id, 2, 0.5)
    assert drawn.source is not None


def test_edits_as_json_have_them_too(ready: Service) -> None:
    url = "data:image/png;base64," + base64.b64encode(picture()).decode()
    sent = {"images": [{"image_url": url}], "prompt": "p", "loras": LORAS, "model": MODEL.id}
    response = ready.client.post("/openai/v1/images/edits", json=sent, headers=AUTHORIZED)
    assert response.status_code == 200, response.get_data(as_text=True)
    assert len(ready.generator.drawn[-1].loras) == 2


@pytest.mark.parametrize(
    "sent, param",
    [
        ({"loras": [{"model_id": "style", "scale": 9}]}, "loras[0].scale"),
        ({"loras": [{"model_id": "style"}, {"scale": 1}]}, "loras[1].model_id"),
        ({"loras": {"model_id": "style"}}, "loras"),
        ({"loras": [{"model_id": "style"}] * 9}, "loras"),
        ({"clip_skip": 13}, "clip_skip"),
        ({"prompt_syntax": "x"}, "prompt_syntax"),
        ({"controls": [{"model_id": "control_canny"}]}, "controls[0].image"),
    ],
)
def test_a_wrong_value_is_named(ready: Service, sent: dict[str, Any], param: str) -> None:
    assert error_of(generate(ready, **sent), 400)["param"] == param
    texts = {
        name: json.dumps(each) if isinstance(each, list | dict) else str(each)
        for name, each in sent.items()
    }
    if sent != {"loras": {"model_id": "style"}}:  # a form has no lists, so it is one entry
        assert error_of(edit(ready, **texts), 400)["param"] == param


def test_entries_that_cannot_be_told_apart_are_refused(ready: Service) -> None:
    names = {"loras[][model_id]": ["style", "ink"], "loras[][scale]": "1"}
    error = error_of(edit(ready, **names), 400)
    assert error["param"] == "loras"
    assert "JSON text" in error["message"]


@pytest.mark.parametrize(
    "sent, param",
    [
        ({"loras": [{"model_id": "style"}, {"model_id": "none"}]}, "loras[1].model_id"),
        ({"vae_id": "none"}, "vae_id"),
        ({"embeddings": [{"model_id": "none"}]}, "embeddings[0].model_id"),
    ],
)
def test_an_unknown_model_is_404_with_its_field(
    ready: Service, sent: dict[str, Any], param: str
) -> None:
    error = error_of(generate(ready, **sent), 404)
    assert (error["code"], error["param"]) == ("model_not_found", param)


def test_a_model_of_another_kind_is_400_with_its_field(ready: Service) -> None:
    error = error_of(generate(ready, loras=[{"model_id": VAE.id}]), 400)
    assert (error["code"], error["param"]) == ("addon_mismatch", "loras[0].model_id")
    assert VAE.name in error["message"]
