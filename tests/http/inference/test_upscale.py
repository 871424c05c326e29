"""`/v1/upscale`: fields, errors, answers and jobs."""

import base64
import dataclasses
import hashlib
from typing import Any

import pytest

from domain.models.record import ModelKind
from domain.pictures import MOST_PIXELS_DRAWN
from tests.contract.test_pictures import picture
from tests.fakes.model_source import model_record
from tests.http.conftest import AUTHORIZED, MODEL, OTHERS, Service, infer_body
from tests.http.helpers import assert_problem, wrong_fields

SMALL = picture("green", (60, 40))
SMALL_ID = hashlib.sha256(SMALL).hexdigest()
UPSCALER = dataclasses.replace(
    model_record(b"up", "models/sharp.safetensors"),
    kind=ModelKind.UPSCALER,
    reason="an upscaler draws nothing by itself",
    is_companion=True,
    scale=4,
)
BROKEN = dataclasses.replace(
    model_record(b"broken", "models/broken.pth"),
    kind=ModelKind.UPSCALER,
    reason="it has five dimensions",
)


def inline(data: bytes) -> dict[str, str]:
    return {"base64": base64.b64encode(data).decode()}


def body(**changes: Any) -> dict[str, Any]:
    return {"image": inline(SMALL), "model_id": "sharp"} | changes


@pytest.fixture(autouse=True)
def models(service: Service) -> None:
    service.source.others = (UPSCALER, BROKEN)
    service.container.model_registry().refresh()


def send(service: Service, sent: dict[str, Any], **headers: str) -> Any:
    return service.client.post("/v1/upscale", json=sent, headers={**AUTHORIZED, **headers})


def done(service: Service, **changes: Any) -> dict[str, Any]:
    response = send(service, body(**changes))
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.get_json()
    return found


def test_a_picture_is_enlarged_by_the_scale_of_the_model(service: Service) -> None:
    answer = done(service)
    assert (answer["model_id"], answer["scale"]) == (UPSCALER.id, None)
    assert answer["image"] == {"id": SMALL_ID}
    (image,) = answer["images"]
    assert (image["width"], image["height"], image["seed"]) == (240, 160, None)
    assert image["id"] == hashlib.sha256(base64.b64decode(image["base64"])).hexdigest()


@pytest.mark.parametrize(("scale", "size"), [(1, (60, 40)), (1.5, (90, 60)), (8, (480, 320))])
def test_a_scale_of_its_own(service: Service, scale: float, size: tuple[int, int]) -> None:
    answer = done(service, scale=scale)
    assert answer["scale"] == scale
    assert (answer["images"][0]["width"], answer["images"][0]["height"]) == size


def test_lanczos_needs_no_model(service: Service) -> None:
    answer = done(service, model_id="Lanczos")
    assert (answer["model_id"], answer["scale"]) == ("lanczos", 2.0)
    assert answer["images"][0]["width"] == 120


def test_the_answer_may_be_a_file(service: Service) -> None:
    response = send(service, body(), Accept="image/webp")
    assert response.content_type == "image/webp"
    assert response.data[8:12] == b"WEBP"
    assert "X-Seed" not in response.headers
    assert response.headers["X-Model-ID"] == UPSCALER.id


def test_it_is_a_job(service: Service) -> None:
    response = send(service, body(id="up"), Prefer="respond-async")
    assert response.status_code == 202
    assert response.headers["Location"] == "/v1/jobs/up"
    answer = done(service, id="up")
    job = service.client.get("/v1/jobs/up", headers=AUTHORIZED).get_json()
    assert job["status"] == "succeeded"
    assert job["request"] == {
        "id": "up",
        "model_id": UPSCALER.id,
        "image": {"id": SMALL_ID},
        "scale": None,
        "output_format": "png",
        "quality": None,
    }
    assert job["images"][0]["id"] == answer["images"][0]["id"]
    assert job["images"][0]["seed"] is None
    listed = service.client.get("/v1/jobs", headers=AUTHORIZED).get_json()
    assert [each["id"] for each in listed["jobs"]] == ["up"]
    assert len(service.generator.enlarged) == 1


def test_the_same_request_is_done_once(service: Service) -> None:
    service.client.post(
        "/v1/images", data=SMALL, headers={**AUTHORIZED, "Content-Type": "image/png"}
    )
    first = done(service, id="up")
    assert done(service, id="up", image={"id": SMALL_ID.upper()}) == first
    assert done(service, id="up", model_id=UPSCALER.id) == first
    assert len(service.generator.enlarged) == 1
    assert_problem(send(service, body(id="up", scale=2)), 409, "id_conflict")
    response = service.client.post("/v1/infer", json=infer_body(id="up"), headers=AUTHORIZED)
    assert_problem(response, 409, "id_conflict")


def test_a_drawn_picture_is_enlarged(service: Service) -> None:
    drawn = service.client.post("/v1/infer", json=infer_body(), headers=AUTHORIZED).get_json()
    answer = done(service, image={"id": drawn["images"][0]["id"]}, model_id="lanczos")
    assert answer["images"][0]["width"] == 2 * drawn["images"][0]["width"]


@pytest.mark.parametrize(
    ("changes", "rows"),
    [
        ({"scale": 0.99}, ["scale"]),
        ({"scale": 8.01}, ["scale"]),
        ({"scale": "2"}, ["scale"]),
        ({"quality": 80}, ["quality"]),
        ({"output_format": "jpeg", "quality": 101}, ["quality"]),
        ({"output_format": "gif"}, ["output_format"]),
        ({"id": "a/b"}, ["id"]),
        ({"model_id": ""}, ["model_id"]),
        ({"model_id": None}, ["model_id"]),
        ({"image": None}, ["image"]),
        ({"image": "x"}, ["image"]),
        ({"image": {}}, ["image"]),
        ({"image": {"base64": "?"}}, ["image.base64"]),
        ({"image": inline(b"no picture")}, ["image.base64"]),
        ({"image": {"id": "0" * 64}}, ["image.id"]),
        ({"image": {"id": "7"}}, ["image.id"]),
        ({"image": {**inline(SMALL), "id": SMALL_ID}}, ["image"]),
        ({"strength": 0.5}, ["strength"]),
        (
            {"id": "", "model_id": 7, "scale": 9, "image": inline(b"x"), "quality": 3, "more": 1},
            ["id", "model_id", "image.base64", "scale", "quality", "more"],
        ),
    ],
)
def test_what_is_wrong_is_named(service: Service, changes: dict[str, Any], rows: list[str]) -> None:
    response = send(service, body(**changes))
    assert list(wrong_fields(response)) == rows
    assert service.client.get("/v1/jobs", headers=AUTHORIZED).get_json()["count"] == 0
    assert service.client.get(f"/v1/images/{SMALL_ID}", headers=AUTHORIZED).status_code == 404


def test_both_fields_are_required(service: Service) -> None:
    assert list(wrong_fields(send(service, {}))) == ["model_id", "image"]


def test_models_that_do_not_enlarge_are_refused(service: Service) -> None:
    unknown = send(service, body(model_id="nothing"))
    assert (unknown.status_code, unknown.get_json()["code"]) == (404, "model_not_found")
    assert [row["field"] for row in unknown.get_json()["errors"]] == ["model_id"]
    assert list(wrong_fields(send(service, body(model_id=MODEL.id)))) == ["model_id"]
    assert_problem(send(service, body(model_id="broken")), 422, "model_not_loadable")
    assert service.client.get(f"/v1/images/{SMALL_ID}", headers=AUTHORIZED).status_code == 404


def test_the_limit_of_the_result(service: Service) -> None:
    side = 2048
    assert (4 * side) ** 2 == MOST_PIXELS_DRAWN
    fits = body(image=inline(picture("green", (side, side))))
    assert send(service, fits | {"scale": 4}, Prefer="respond-async").status_code == 202
    wide = body(image=inline(picture("green", (side + 1, side))))
    for changes in ({"scale": 4}, {"scale": None}):
        response = send(service, wide | changes)
        assert list(wrong_fields(response)) == ["scale"]
        assert str(MOST_PIXELS_DRAWN) in response.text


def test_a_picture_of_another_caller_is_unknown(service: Service) -> None:
    done(service)
    headers = OTHERS
    response = service.client.post(
        "/v1/upscale", json=body(image={"id": SMALL_ID}), headers=headers
    )
    assert list(wrong_fields(response)) == ["image.id"]


@pytest.mark.parametrize(
    ("width", "output_format", "status"),
    [
        (4095, "webp", 200),
        (4096, "webp", 422),
        (4096, "jpeg", 200),
        (16_375, "jpeg", 200),
        (16_376, "jpeg", 422),
        (16_376, "png", 200),
    ],
)
@pytest.mark.parametrize("model", ["sharp", "lanczos"])
def test_a_side_that_the_format_does_not_have_is_refused(
    service: Service, width: int, output_format: str, status: int, model: str
) -> None:
    scale = {"scale": 4} if model == "lanczos" else {}  # the model's own is 4
    wide = inline(picture("green", (width, 8)))
    response = send(service, body(image=wide, model_id=model, output_format=output_format, **scale))
    assert response.status_code == status, response.text
    if status == 422:
        assert list(wrong_fields(response)) == ["scale"]
        assert f"a {output_format} has at most" in response.text


def test_a_model_that_does_not_tell_its_factor_needs_a_scale(service: Service) -> None:
    other = dataclasses.replace(UPSCALER, scale=None)
    service.source.others = (other, BROKEN)
    service.container.model_registry().refresh()
    response = send(service, body())
    assert wrong_fields(response)["scale"].startswith(f"is needed: {other.name} tells")
    assert done(service, scale=2)["scale"] == 2
    drawn: dict[str, Any] = {"upscale": {"model_id": other.id}}
    response = service.client.post("/v1/infer", json=infer_body(**drawn), headers=AUTHORIZED)
    assert "upscale.scale" in wrong_fields(response)
    drawn["upscale"]["scale"] = 2
    assert (
        service.client.post("/v1/infer", json=infer_body(**drawn), headers=AUTHORIZED).status_code
        == 200
    )
