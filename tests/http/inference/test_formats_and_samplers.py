"""The fields `scheduler`, `output_format` and `quality`, from the request to the pictures."""

import base64
import dataclasses
import io
from typing import Any

import pytest
from PIL import Image
from werkzeug.test import TestResponse

from domain.models.record import ModelFamily
from domain.samplers import Sampler, Schedule, Scheduler
from tests.fakes.model_source import model_record
from tests.http.conftest import (
    AUTHORIZED,
    MODEL,
    Service,
    infer_body,
    make_service,
    make_settings,
)
from tests.http.helpers import assert_problem, wrong_fields

NAMES = [str(name) for name in Scheduler]
SAMPLERS = [
    "Euler",
    "Euler a",
    "DPM++ 2M",
    "DPM++ 2M Karras",
    "DDIM",
    "UniPC",
    "LCM",
    "DPM2 a Beta",
]
SD_3 = dataclasses.replace(
    model_record(b"sd-3", "models/sd-3"), extension="", family=ModelFamily.SD_3
)


@pytest.fixture(autouse=True)
def nothing_drawn_yet(shared: Service) -> None:
    shared.generator.drawn.clear()


def post(service: Service, **changes: object) -> TestResponse:
    return service.client.post("/v1/infer", json=infer_body(**changes), headers=AUTHORIZED)


def answer(service: Service, **changes: object) -> dict[str, Any]:
    response = post(service, **changes)
    assert response.status_code == 200
    found: dict[str, Any] = response.get_json()
    return found


def test_a_model_lists_its_schedulers_and_its_default(shared: Service) -> None:
    model = shared.client.get(f"/v1/models/{MODEL.id}", headers=AUTHORIZED).get_json()
    assert (model["schedulers"], model["default_scheduler"]) == (NAMES, "DPM++ 2M")


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_scheduler_is_passed_on_and_returned(shared: Service, name: str) -> None:
    assert answer(shared, scheduler=name)["scheduler"] == name
    assert [request.scheduler for request in shared.generator.drawn] == [name]


def test_a_scheduler_of_null_is_a_missing_one(shared: Service) -> None:
    body = infer_body(seed=3)
    first, again = (
        shared.client.post("/v1/infer", json=body | more, headers=AUTHORIZED)
        for more in ({}, {"scheduler": None})
    )
    assert first.get_json()["scheduler"] is None
    assert first.data == again.data
    assert len(shared.generator.drawn) == 1


@pytest.mark.parametrize("value", ["euler", "DPM++ 2m", "", " Euler", "x" * 5000, 1, True, []])
def test_an_unknown_scheduler_is_refused_with_the_known_ones(
    shared: Service, value: object
) -> None:
    messages = wrong_fields(post(shared, scheduler=value))
    assert set(messages) == {"scheduler"}
    assert all(name in messages["scheduler"] for name in (*Sampler, *list(Schedule)[1:]))
    assert len(messages["scheduler"]) < 320
    assert shared.generator.drawn == []


def test_a_scheduler_that_does_not_suit_the_model_is_refused_with_the_remedy() -> None:
    service = make_service(make_settings())
    service.source.others = (SD_3,)
    service.container.model_registry().refresh()
    listed = service.client.get(f"/v1/models/{SD_3.id}", headers=AUTHORIZED).get_json()
    assert (listed["schedulers"], listed["default_scheduler"]) == ([], None)
    response = service.client.post(
        "/v1/jobs", json=infer_body(model_id=SD_3.id, scheduler="DDIM"), headers=AUTHORIZED
    )
    messages = wrong_fields(response)
    assert set(messages) == {"scheduler"}
    assert "leave it out" in messages["scheduler"]
    assert service.container.job_service().waiting == 0


@pytest.mark.parametrize(("name", "extension"), [("png", "png"), ("jpeg", "jpg"), ("webp", "webp")])
def test_a_picture_has_the_requested_format(shared: Service, name: str, extension: str) -> None:
    told = answer(shared, output_format=name, num_images=2)
    assert told["output_format"] == name
    job = shared.client.get(f"/v1/jobs/{told['id']}", headers=AUTHORIZED).get_json()
    assert job["request"]["output_format"] == name
    for number, image in enumerate(told["images"]):
        data = base64.b64decode(image["base64"])
        with Image.open(io.BytesIO(data)) as picture:
            assert picture.format == name.upper()
        response = shared.client.get(job["images"][number]["url"], headers=AUTHORIZED)
        types = (image["media_type"], job["images"][number]["media_type"], response.content_type)
        assert types == (f"image/{name}",) * 3
        assert response.data == data
        assert f'-{number}.{extension}"' in response.headers["Content-Disposition"]
        tag = {"If-None-Match": response.headers["ETag"]}
        again = shared.client.get(job["images"][number]["url"], headers=AUTHORIZED | tag)
        assert again.status_code == 304


def test_a_replay_has_the_same_format(shared: Service) -> None:
    body = infer_body(output_format="webp")
    first, again = (
        shared.client.post("/v1/infer", json=body, headers=AUTHORIZED) for _ in range(2)
    )
    assert first.data == again.data
    assert len(shared.generator.drawn) == 1


@pytest.mark.parametrize("value", ["gif", "PNG", "jpg", "", None, 1, ["png"]])
def test_an_unknown_format_is_refused_with_the_known_ones(shared: Service, value: object) -> None:
    messages = wrong_fields(post(shared, output_format=value, quality=5))
    assert set(messages) == {"output_format"}
    assert value is None or "png, jpeg, webp" in messages["output_format"]


@pytest.mark.parametrize("output_format", ["jpeg", "webp"])
def test_a_quality_is_between_1_and_100(shared: Service, output_format: str) -> None:
    for given, told in ((1, 1), (100, 100), (None, 90)):
        found = answer(shared, output_format=output_format, quality=given)
        assert found["quality"] == told
    for wrong in (0, 101, "90", 90.5, True):
        messages = wrong_fields(post(shared, output_format=output_format, quality=wrong))
        assert set(messages) == {"quality"}


def test_a_quality_for_a_png_is_refused_with_other_invalid_fields_too(shared: Service) -> None:
    assert set(wrong_fields(post(shared, quality=90))) == {"quality"}
    messages = wrong_fields(post(shared, quality=90, output_format="png", width=1))
    assert set(messages) == {"quality", "width"}
    assert "jpeg or webp" in messages["quality"]
    assert answer(shared, quality=None)["quality"] is None


def test_the_default_quality_is_the_same_request_and_others_are_not(
    shared: Service,
) -> None:
    body = infer_body(seed=1, output_format="jpeg")
    route, headers = "/v1/infer", AUTHORIZED
    first = shared.client.post(route, json=body, headers=headers)
    assert (
        shared.client.post(route, json=body | {"quality": 90}, headers=headers).data == first.data
    )
    others: list[dict[str, object]] = [
        {"quality": 91},
        {"output_format": "webp"},
        {"output_format": "png"},
        {"scheduler": "Euler"},
    ]
    for other in others:
        response = shared.client.post(route, json=body | other, headers=headers)
        assert_problem(response, 409, "id_conflict")
