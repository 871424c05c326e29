"""The defaults of a model, in each API, and after they change."""

import json
from typing import Any

import pytest

from domain.generation.request import GenerationRequest
from domain.models.record import ModelKind
from tests.http.automatic1111.addons import addon, with_models
from tests.http.automatic1111.sdapi import TXT2IMG, body
from tests.http.conftest import AUTHORIZED, MODEL, Service, infer_body, make_settings
from tests.http.conftest import running_service as running

VAE = addon("models/soft.safetensors", ModelKind.VAE)
TABLE: dict[str, object] = {
    "num_inference_steps": 4,
    "guidance_scale": 1.5,
    "scheduler": "Euler a",
    "vae": "soft",
}
OPENAI = "/openai/v1/images/generations"


def with_table(service: Service, **table: object) -> Service:
    service.source.others = ()
    service.model_settings.document = {"a.safetensors": table} if table else {}
    return with_models(service, VAE)


@pytest.fixture
def ready(service: Service) -> Service:
    return with_table(service, **TABLE)


def told(request: GenerationRequest) -> tuple[Any, ...]:
    return (
        request.num_inference_steps,
        request.guidance_scale,
        request.scheduler,
        request.vae_id,
    )


def send(service: Service, door: str, **sent: Any) -> GenerationRequest:
    """Draw with a request that leaves out all but `sent`, and return what was drawn."""
    bodies: dict[str, dict[str, Any]] = {
        "/v1/infer": infer_body(),
        OPENAI: {"model": MODEL.id, "prompt": "a red circle"},
        TXT2IMG: body(),
    }
    if door == TXT2IMG:
        bodies[door] = {"prompt": "a red circle"}
    response = service.client.post(door, json=bodies[door] | sent, headers=AUTHORIZED)
    assert response.status_code == 200, response.get_data(as_text=True)
    drawn: GenerationRequest = service.generator.drawn[-1]
    return drawn


@pytest.mark.parametrize("door", ["/v1/infer", OPENAI, TXT2IMG])
def test_each_api_takes_the_defaults_of_the_model(ready: Service, door: str) -> None:
    assert told(send(ready, door)) == (4, 1.5, "Euler a", VAE.id)
    with_table(ready)
    assert told(send(ready, door)) == (30, 7.5, None, None)


@pytest.mark.parametrize("door", ["/v1/infer", OPENAI])
def test_a_given_value_wins(ready: Service, door: str) -> None:
    sent = {"num_inference_steps": 9, "guidance_scale": 7.5, "scheduler": "DDIM"}
    assert told(send(ready, door, **sent)) == (9, 7.5, "DDIM", VAE.id)
    assert send(ready, door, scheduler=None).scheduler == "Euler a"
    assert send(ready, door, vae_id="a.safetensors").vae_id is None, "the VAE in the file"


def test_the_web_ui_names_the_vae_in_the_checkpoint(ready: Service) -> None:
    sent = {"steps": 9, "cfg_scale": 3, "sampler_name": "DDIM"}
    assert told(send(ready, TXT2IMG, **sent)) == (9, 3.0, "DDIM", VAE.id)
    for name, expected in (("Automatic", VAE.id), ("None", None), ("soft", VAE.id)):
        drawn = send(ready, TXT2IMG, override_settings={"sd_vae": name})
        assert drawn.vae_id == expected, name
    response = ready.client.post(TXT2IMG, json={"prompt": "x"}, headers=AUTHORIZED)
    assert json.loads(response.get_json()["info"])["sd_vae_name"] == VAE.name


@pytest.mark.parametrize(("quality", "steps"), [("low", 2), ("high", 6), ("max", 8), ("auto", 4)])
def test_the_quality_scales_the_steps_of_the_model(
    ready: Service, quality: str, steps: int
) -> None:
    assert send(ready, OPENAI, quality=quality).num_inference_steps == steps


def test_the_clip_skip_of_the_web_ui_is_that_of_the_model_until_one_is_set(
    service: Service,
) -> None:
    with_table(service, clip_skip=2)
    options = "/sdapi/v1/options"
    shown = service.client.get(options, headers=AUTHORIZED).get_json()
    assert shown["CLIP_stop_at_last_layers"] == 2
    assert send(service, TXT2IMG).clip_skip == 2
    assert send(service, TXT2IMG, clip_skip=1).clip_skip == 1
    response = service.client.post(
        options, json={"CLIP_stop_at_last_layers": 1}, headers=AUTHORIZED
    )
    assert response.status_code == 200
    assert send(service, TXT2IMG).clip_skip == 1


def test_the_same_body_is_the_same_request_after_the_defaults_changed(ready: Service) -> None:
    sent = infer_body(seed=None)
    del sent["seed"]

    def answer() -> dict[str, Any]:
        response = ready.client.post("/v1/infer", json=sent, headers=AUTHORIZED)
        assert response.status_code == 200, response.get_data(as_text=True)
        found: dict[str, Any] = response.get_json()
        return found

    first = answer()
    assert first["num_inference_steps"] == 4
    for table in ({}, {"num_inference_steps": 50, "scheduler": "LCM"}, TABLE):
        with_table(ready, **table)
        assert answer() == first
    assert len(ready.generator.drawn) == 1
    filled_in = sent | {"num_inference_steps": 4, "guidance_scale": 1.5}
    response = ready.client.post("/v1/infer", json=filled_in, headers=AUTHORIZED)
    assert response.get_json() == first, "the request with its defaults filled in"
    other = ready.client.post(
        "/v1/infer", json=sent | {"num_inference_steps": 5}, headers=AUTHORIZED
    )
    assert (other.status_code, other.get_json()["code"]) == (409, "id_conflict")


def test_an_idempotency_key_keeps_its_steps_and_not_those_of_another_quality(
    ready: Service,
) -> None:
    headers = AUTHORIZED | {"Idempotency-Key": "k1"}
    sent = {"model": MODEL.id, "prompt": "x", "quality": "low"}
    first = ready.client.post(OPENAI, json=sent, headers=headers)
    with_table(ready, num_inference_steps=50)
    again = ready.client.post(OPENAI, json=sent, headers=headers)
    assert again.get_json()["data"] == first.get_json()["data"]
    other = ready.client.post(OPENAI, json=sent | {"quality": "high"}, headers=headers)
    assert (other.status_code, other.get_json()["error"]["code"]) == (400, "id_conflict")
    assert len(ready.generator.drawn) == 1


def test_the_list_shows_the_defaults_and_the_settings(ready: Service) -> None:
    listed = ready.client.get(f"/v1/models/{MODEL.id}", headers=AUTHORIZED).get_json()
    assert listed["defaults"] == {
        "num_inference_steps": 4,
        "guidance_scale": 1.5,
        "scheduler": "Euler a",
        "clip_skip": None,
        "vae_id": VAE.id,
    }
    assert listed["default_scheduler"] == "Euler a"
    assert listed["settings"]["name"] == "a.safetensors"
    assert (listed["settings"]["vae"], listed["warnings"]) == ("soft", [])
    with_table(ready, description="Circles.", aliases=["gpt-image-1"], vae="hard")
    listed = ready.client.get(f"/v1/models/{MODEL.id}", headers=AUTHORIZED).get_json()
    assert listed["description"] == "Circles."
    (warning,) = listed["warnings"]
    assert warning == "a.safetensors does not follow vae of its settings: 'hard' names no model"
    response = ready.client.post(
        "/v1/infer", json=infer_body(model_id="gpt-image-1"), headers=AUTHORIZED
    )
    answer = response.get_json()
    assert (answer["model_id"], answer["warnings"]) == (MODEL.id, [warning])


def test_a_broken_file_is_told_where_an_operator_looks() -> None:
    with running(make_settings(metrics_public=True)) as service:
        ready = service.client.get("/health/ready")
        while ready.status_code != 200:
            ready = service.client.get("/health/ready")
        assert ready.get_json()["warnings"] == []
        with_table(service, num_inference_steps=4)
        with_table(service, num_inference_steps=0)
        (warning,) = service.client.get("/health/ready").get_json()["warnings"]
        assert "MODEL_SETTINGS" in warning
        metrics = service.client.get("/metrics").get_data(as_text=True)
        assert "ai_inference_model_settings_followed 0.0" in metrics
        assert send(service, "/v1/infer").num_inference_steps == 4, "the last good settings"
