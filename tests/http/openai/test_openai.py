"""The OpenAI Images API, as its clients see it."""

import base64
import dataclasses
import hashlib
import io
from typing import Any

import pytest
from PIL import Image
from werkzeug.test import TestResponse

from domain import errors
from domain.models.record import ModelKind
from domain.sizes import Size
from tests.fakes.model_source import model_record
from tests.http.conftest import AUTHORIZED, MODEL, Service
from tests.http.helpers import bearer, fill_queue, make_token, occupy_device

URL = "/openai/v1/images/generations"


def body(**changes: object) -> dict[str, object]:
    return {"model": MODEL.id, "prompt": "a red circle", **changes}


def error_of(response: TestResponse, status: int) -> dict[str, Any]:
    assert (response.status_code, response.content_type) == (status, "application/json")
    assert set(response.get_json()) == {"error"}
    error: dict[str, Any] = response.get_json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["message"]
    return error


def test_pictures_are_base64_with_their_seeds(service: Service) -> None:
    sent = body(
        n=2,
        size="256x320",
        seed=5,
        negative_prompt="n",
        num_inference_steps=3,
        guidance_scale=2,
    )
    answer = service.client.post(URL, json=sent, headers=AUTHORIZED).get_json()
    first, second = answer["data"]
    assert (first["seed"], second["seed"], answer["size"]) == (5, 6, "256x320")
    with Image.open(io.BytesIO(base64.b64decode(first["b64_json"]))) as image:
        assert (image.format, image.size) == ("PNG", (256, 320))
    (drawn,) = service.generator.drawn
    assert (drawn.negative_prompt, drawn.num_inference_steps, drawn.guidance_scale) == ("n", 3, 2.0)


def test_warnings_are_a_field_of_the_answer(service: Service) -> None:
    answer = service.client.post(URL, json=body(), headers=AUTHORIZED).get_json()
    assert answer["warnings"] == []
    service.generator.warnings = ("the prompt has 99 tokens",)
    answer = service.client.post(URL, json=body(), headers=AUTHORIZED).get_json()
    assert answer["warnings"] == ["the prompt has 99 tokens"]


def test_missing_or_null_fields_have_the_defaults_of_the_service(service: Service) -> None:
    sent = body(n=None, size=None, seed=None, response_format=None, quality=None)
    assert service.client.post(URL, json=sent, headers=AUTHORIZED).status_code == 200
    (drawn,) = service.generator.drawn
    assert (drawn.width, drawn.height, drawn.num_images, drawn.num_inference_steps) == (
        *(512, 512),
        *(1, 30),
    )


@pytest.mark.parametrize("name", [MODEL.id.upper(), MODEL.id[:10], MODEL.name, MODEL.path])
def test_each_form_of_a_model_name_works(shared: Service, name: str) -> None:
    response = shared.client.post(URL, json=body(model=name), headers=AUTHORIZED)
    assert response.status_code == 200
    assert shared.generator.drawn[-1].model_id == MODEL.id


@pytest.mark.parametrize("name", ["dall-e-3", MODEL.id[:9], "0" * 64, "../a.safetensors"])
def test_an_unknown_model_is_not_found(shared: Service, name: str) -> None:
    error = error_of(shared.client.post(URL, json=body(model=name), headers=AUTHORIZED), 404)
    assert (error["code"], error["param"]) == ("model_not_found", "model")
    assert name in error["message"]
    assert "MODEL_ALIASES" in error["message"]


def test_an_ambiguous_name_is_refused(service: Service) -> None:
    service.source.files["models/sub/a.safetensors"] = b"others"
    service.container.model_registry().refresh()
    response = service.client.post(URL, json=body(model=MODEL.name), headers=AUTHORIZED)
    error = error_of(response, 404)
    assert (error["param"], MODEL.path in error["message"]) == ("model", True)
    assert "models/sub/a.safetensors" in error["message"]
    assert service.client.post(URL, json=body(), headers=AUTHORIZED).status_code == 200


@pytest.mark.parametrize(
    "changes, param",
    [
        ({"prompt": ""}, "prompt"),
        ({"model": 1}, "model"),
        ({"model": "m" * 4097}, "model"),
        ({"n": 0}, "n"),
        ({"n": 11}, "n"),
        ({"size": "255x256"}, "size"),
        ({"size": "256x1025"}, "size"),
        ({"size": "1025x256"}, "size"),
        ({"size": "256x2049"}, "size"),
        ({"size": "512"}, "size"),
        ({"size": "9999999x512"}, "size"),
        ({"size": 512}, "size"),
        ({"response_format": "png"}, "response_format"),
        ({"output_format": "svg"}, "output_format"),
        ({"output_compression": 99}, "output_compression"),
        ({"output_compression": 99, "output_format": "png"}, "output_compression"),
        ({"output_compression": 0, "output_format": "jpeg"}, "output_compression"),
        ({"output_compression": 101, "output_format": "jpeg"}, "output_compression"),
        ({"scheduler": "Quantum"}, "scheduler"),
        ({"quality": "best"}, "quality"),
        ({"quality": 90}, "quality"),
        ({"background": "transparent"}, "background"),
        ({"stream": 1}, "stream"),
        ({"svg": {"model": "x"}}, "svg"),
        ({"frame_duration_ms": 200}, "frame_duration_ms"),
        ({"partial_images": 1}, "partial_images"),
        ({"partial_images": False}, "partial_images"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**53 - 1, "n": 2}, "seed"),
        ({"num_inference_steps": 151}, "num_inference_steps"),
        ({"guidance_scale": 0.5}, "guidance_scale"),
        ({"frame_count": 3}, "frame_count"),
    ],
)
def test_an_invalid_value_is_a_400_that_names_it(
    shared: Service, changes: dict[str, object], param: str
) -> None:
    response = shared.client.post(URL, json=body(**changes), headers=AUTHORIZED)
    error = error_of(response, 400)
    assert (error["type"], error["param"]) == ("invalid_request_error", param)


@pytest.mark.parametrize("name", ["jpeg", "webp"])
@pytest.mark.parametrize("compression", [1, 100])
def test_other_formats_have_the_requested_quality(
    service: Service, name: str, compression: int
) -> None:
    sent = body(output_format=name, output_compression=compression, scheduler="Euler a")
    answer = service.client.post(URL, json=sent, headers=AUTHORIZED).get_json()
    with Image.open(io.BytesIO(base64.b64decode(answer["data"][0]["b64_json"]))) as image:
        assert (image.format, answer["output_format"]) == (name.upper(), name)
    (drawn,) = service.generator.drawn
    assert (drawn.quality, drawn.scheduler) == (compression, "Euler a")


def test_the_parts_of_a_request_are_further_fields(service: Service) -> None:
    first = service.client.post(URL, json=body(size="256x256"), headers=AUTHORIZED).get_json()
    data = base64.b64decode(first["data"][0]["b64_json"])
    for picture in (
        {"id": hashlib.sha256(data).hexdigest()},
        {"base64": "".join(base64.b64encode(data).decode())},
    ):
        sent = body(init_image=picture, strength=0.5, second_pass={"scale": 2})
        assert service.client.post(URL, json=sent, headers=AUTHORIZED).status_code == 200
        drawn = service.generator.drawn[-1]
        assert (drawn.source is not None, drawn.second_pass is not None) == (True, True)
        assert (drawn.width, drawn.height) == (256, 256)


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"strength": 0.5}, "strength"),
        ({"init_image": "x"}, "init_image"),
        ({"init_image": {"id": "0" * 64}}, "init_image.id"),
        ({"init_image": {"base64": "AAAA"}}, "init_image.base64"),
        ({"second_pass": {"scale": 9}}, "second_pass.scale"),
        ({"upscale": {"model_id": "gone"}}, "upscale.model_id"),
    ],
)
def test_a_wrong_part_is_named_as_the_body_has_it(
    shared: Service, changes: dict[str, object], param: str
) -> None:
    response = shared.client.post(URL, json=body(**changes), headers=AUTHORIZED)
    error = response.get_json()["error"]
    assert (response.status_code, error["param"]) == (404 if "upscale" in changes else 400, param)


@pytest.mark.parametrize("size", ["256x256", "1024x1024", "auto"])
def test_sizes_up_to_the_limits_are_drawn(shared: Service, size: str) -> None:
    sent = body(size=size, num_inference_steps=1)
    assert shared.client.post(URL, json=sent, headers=AUTHORIZED).status_code == 200


def test_client_fields_without_effect_are_accepted(shared: Service) -> None:
    neutral = {
        **{"quality": "standard", "style": "vivid", "background": "auto", "moderation": "low"},
        **{"user": "u", "safety_identifier": "s", "stream": False, "output_format": "png"},
        **{"output_compression": 100, "partial_images": 0},
    }
    assert shared.client.post(URL, json=body(**neutral), headers=AUTHORIZED).status_code == 200


@pytest.mark.parametrize("data, status", [(b"{", 400), (b"[]", 400), (b"\xff", 400)])
def test_a_body_that_is_not_a_json_object_is_refused(
    shared: Service, data: bytes, status: int
) -> None:
    headers = {**AUTHORIZED, "Content-Type": "application/json"}
    error_of(shared.client.post(URL, data=data, headers=headers), status)


@pytest.mark.parametrize("route", ["/openai/v1/models", f"/openai/v1/models/{MODEL.id}"])
def test_a_wrong_key_is_a_401_and_a_missing_scope_a_403(shared: Service, route: str) -> None:
    for headers in ({}, bearer("wrong")):
        response = shared.client.get(route, headers=headers)
        assert error_of(response, 401)["code"] == "invalid_api_key"
        assert response.headers["WWW-Authenticate"].startswith("Bearer")
    token = bearer(make_token({"scope": "inference:run"}))
    assert error_of(shared.client.get(route, headers=token), 403)["code"] == "insufficient_scope"
    assert error_of(shared.client.post(URL, data=b"{"), 401)["code"] == "invalid_api_key"
    token = bearer(make_token({"scope": "models:read"}))
    error_of(shared.client.post(URL, json=body(), headers=token), 403)


def test_a_full_queue_is_a_429_with_the_time_of_a_retry(service: Service) -> None:
    occupy_device(service)
    fill_queue(service)
    response = service.client.post(URL, json=body(), headers=AUTHORIZED)
    error = error_of(response, 429)
    assert (error["type"], error["code"]) == ("rate_limit_error", "queue_full")
    assert int(response.headers["Retry-After"]) >= 1


@pytest.mark.parametrize(
    "failure, status, again",
    [
        (errors.ModelNotLoadable("cut off"), 400, None),
        (errors.OutOfMemory("too large"), 507, "false"),
        (errors.GenerationFailed("not finite"), 500, None),
        (RuntimeError("secret"), 500, None),
    ],
)
def test_a_failed_drawing_has_the_error_shape_of_that_api(
    shared: Service, failure: Exception, status: int, again: str | None
) -> None:
    shared.generator.failures.append(failure)
    response = shared.client.post(URL, json=body(), headers=AUTHORIZED)
    assert "secret" not in error_of(response, status)["message"]
    assert response.headers.get("X-Should-Retry") == again


def test_an_idempotency_key_names_the_job(service: Service) -> None:
    headers = {**AUTHORIZED, "Idempotency-Key": "mine"}
    first = service.client.post(URL, json=body(), headers=headers).get_json()
    again = service.client.post(URL, json=body(model=MODEL.name), headers=headers).get_json()
    assert again["data"] == first["data"]
    assert len(service.generator.drawn) == 1
    assert service.client.get("/v1/jobs/openai-mine", headers=AUTHORIZED).status_code == 200
    other = service.client.post(URL, json=body(prompt="another"), headers=headers)
    assert error_of(other, 400)["code"] == "id_conflict"
    service.client.post(URL, json=body(), headers=AUTHORIZED)
    assert len(service.generator.drawn) == 2


def test_an_idempotency_key_returns_its_result_even_if_the_model_is_gone(service: Service) -> None:
    trained = Size(1024, 768)
    large = dataclasses.replace(model_record(b"xl", "models/xl.pt"), native_size=trained)
    for key, name in (("by name", "xl"), ("by id", large.id)):
        service.source.others = (large,)
        service.container.model_registry().refresh()
        headers = {**AUTHORIZED, "Idempotency-Key": key}
        sent = {"prompt": "a red circle", "model": name}
        first = service.client.post(URL, json=sent, headers=headers).get_json()
        assert first["size"] == "1024x768"
        service.source.others = ()
        service.container.model_registry().refresh()
        again = service.client.post(URL, json=sent, headers=headers).get_json()
        assert again["data"] == first["data"]
        other = service.client.post(URL, json=sent | {"size": "512x512"}, headers=headers)
        assert error_of(other, 400)["code"] == "id_conflict"


@pytest.mark.parametrize(
    "key", ["k" * 121, "k" * 122, "a/b", "\u00fc" * 300, "", "sha256:" + "0" * 64]
)
def test_each_idempotency_key_names_its_own_job(service: Service, key: str) -> None:
    sent = body(response_format="url")
    headers = {**AUTHORIZED, "Idempotency-Key": key}

    def picture_of(headers: dict[str, str]) -> str:
        (one,) = service.client.post(URL, json=sent, headers=headers).get_json()["data"]
        assert service.client.get(one["url"]).status_code == 200
        return str(one["url"]).partition("?")[0]

    first = picture_of(headers)
    assert picture_of(headers) == first
    assert picture_of({**AUTHORIZED, "Idempotency-Key": key + "x"}) != first
    assert len(service.generator.drawn) == 2


def test_a_key_is_never_mistaken_for_the_hash_of_another(service: Service) -> None:
    links = []
    for key in ("a/b", "sha256:" + hashlib.sha256(b"a/b").hexdigest()):
        headers = {**AUTHORIZED, "Idempotency-Key": key}
        sent = body(response_format="url")
        links.append(service.client.post(URL, json=sent, headers=headers).get_json()["data"])
    assert links[0] != links[1]


def test_every_invalid_parameter_is_named_at_once(shared: Service) -> None:
    sent = body(quality="best", stream=1, n=19, size="1x1", frames=3)
    message = error_of(shared.client.post(URL, json=sent, headers=AUTHORIZED), 400)["message"]
    assert all(name in message for name in ("quality", "stream", "n is", "size", "frames"))


def test_the_models_are_those_that_can_draw(service: Service) -> None:
    lora = dataclasses.replace(model_record(b"l", "models/l.pt"), reason="it is a LoRA")
    service.source.others = (lora,)
    service.container.model_registry().refresh()
    answer = service.client.get("/openai/v1/models", headers=AUTHORIZED).get_json()
    one = {
        **{"id": MODEL.id, "object": "model", "created": 0},
        **{"owned_by": "ai-inference", "name": MODEL.name},
    }
    assert answer == {"object": "list", "data": [one]}
    for name in (MODEL.id, MODEL.name, MODEL.id[:10]):
        found = service.client.get(f"/openai/v1/models/{name}", headers=AUTHORIZED)
        assert found.get_json() == one
    for name in ("gone", lora.id, lora.name):
        gone = service.client.get(f"/openai/v1/models/{name}", headers=AUTHORIZED)
        assert error_of(gone, 404)["code"] == "model_not_found"
    drawn = service.client.post(URL, json=body(model=lora.name), headers=AUTHORIZED)
    assert error_of(drawn, 400)["code"] == "model_not_loadable"


def test_a_checkpoint_wins_over_a_lora_of_the_same_name(service: Service) -> None:
    lora = dataclasses.replace(
        model_record(b"l", f"models/l/{MODEL.name}"), kind=ModelKind.LORA, reason="it is a LoRA"
    )
    service.source.others = (lora,)
    service.container.model_registry().refresh()
    response = service.client.post(URL, json=body(model=MODEL.name), headers=AUTHORIZED)
    assert response.status_code == 200
    assert service.generator.drawn[-1].model_id == MODEL.id


@pytest.mark.parametrize("method, path, status", [("GET", URL, 405), ("GET", "/openai/v1/x", 404)])
def test_an_unknown_route_has_the_error_shape_of_that_api(
    shared: Service, method: str, path: str, status: int
) -> None:
    error_of(shared.client.open(path, method=method, headers=AUTHORIZED), status)


@pytest.mark.parametrize("path", ["/openai/v10", "/openai/v1x/models", "/openai"])
def test_errors_of_other_routes_keep_their_own_shape(shared: Service, path: str) -> None:
    response = shared.client.get(path, headers=AUTHORIZED)
    assert response.content_type == "application/problem+json"


def test_a_name_may_be_as_long_as_a_path(shared: Service) -> None:
    response = shared.client.post(URL, json=body(model="m" * 4096), headers=AUTHORIZED)
    assert error_of(response, 404)["code"] == "model_not_found"
