"""`/v1/infer` answers with the file itself if `Accept` prefers it, and needs no id."""

import base64
import io

import pytest
from PIL import Image
from werkzeug.test import TestResponse

from tests.http.conftest import AUTHORIZED, MODEL, Service, infer_body
from tests.http.helpers import assert_problem, wrong_fields

WITHOUT_ID = {"model_id": MODEL.id, "prompt": "a red circle"}


def infer(service: Service, accept: str | None, **changes: object) -> TestResponse:
    headers = AUTHORIZED if accept is None else {**AUTHORIZED, "Accept": accept}
    return service.client.post("/v1/infer", json=infer_body(**changes), headers=headers)


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("image/png", "image/png"),
        ("image/jpeg", "image/jpeg"),
        ("image/webp", "image/webp"),
        ("image/*", "image/png"),
        ("image/webp, image/png;q=0.5", "image/webp"),
        ("image/png;q=0.2, image/jpeg;q=0.9, */*;q=0.1", "image/jpeg"),
        ("image/png, application/json;q=0.9", "image/png"),
        ("IMAGE/PNG", "image/png"),
    ],
)
def test_the_preferred_type_is_the_answer(shared: Service, accept: str, media_type: str) -> None:
    response = infer(shared, accept, seed=7)
    assert (response.status_code, response.mimetype) == (200, media_type)
    with Image.open(io.BytesIO(response.get_data())) as image:
        assert (Image.MIME[image.format or ""], image.size) == (media_type, (512, 512))
    assert response.headers["X-Seed"] == "7"
    assert response.headers["X-Model-ID"] == MODEL.id
    assert "Accept" in response.headers["Vary"]


@pytest.mark.parametrize(
    "accept",
    [
        None,
        "*/*",
        "application/json",
        "application/json, image/png",
        "image/png;q=0.5, application/json",
        "image/png;q=0",
        "text/html",
        "text/html, */*;q=0.8",
        "image/gif",
    ],
)
def test_other_clients_get_json(shared: Service, accept: str | None) -> None:
    response = infer(shared, accept)
    assert (response.status_code, response.mimetype) == (200, "application/json")
    assert "Accept" in response.headers["Vary"]


def test_the_file_is_the_one_of_the_job(service: Service) -> None:
    response = infer(service, "image/png", id="a b?")
    there = service.client.get(response.headers["Content-Location"], headers=AUTHORIZED)
    assert there.get_data() == response.get_data()
    again = infer(service, None, id="a b?").get_json()
    assert base64.b64decode(again["images"][0]["base64"]) == response.get_data()


def test_warnings_are_headers(service: Service) -> None:
    service.generator.warnings = ("one", "zwölf\nlines")
    response = infer(service, "image/png")
    assert response.headers.getlist("X-Warning") == ["one", "zw\\xf6lf\\nlines"]


def test_a_quality_applies_to_the_format_from_accept(service: Service) -> None:
    assert infer(service, "image/jpeg", quality=40).mimetype == "image/jpeg"
    (drawn,) = service.generator.drawn
    assert (drawn.output_format, drawn.quality) == ("jpeg", 40)
    assert set(wrong_fields(infer(service, "image/png", quality=40))) == {"quality"}


def test_a_requested_format_must_be_acceptable(service: Service) -> None:
    assert infer(service, "image/*", output_format="webp").mimetype == "image/webp"
    response = infer(service, "image/png", output_format="jpeg")
    detail = assert_problem(response, 406, "not_acceptable")["detail"]
    assert "image/png" in detail
    assert "jpeg" in detail
    response = infer(service, "image/png, */*;q=0.1", output_format="jpeg")
    assert response.mimetype == "application/json"


def test_several_pictures_are_never_one_file(service: Service) -> None:
    response = infer(service, "image/png", num_images=2)
    assert "num_images to 1" in assert_problem(response, 406, "not_acceptable")["detail"]
    assert service.generator.drawn == []
    response = infer(service, "image/png, application/json;q=0.1", num_images=2)
    assert len(response.get_json()["images"]) == 2


def test_errors_stay_problem_details(service: Service) -> None:
    assert_problem(infer(service, "image/png", model_id="gone"), 404, "model_not_found")
    assert set(wrong_fields(infer(service, "image/png", width=1))) == {"width"}
    headers = {"Accept": "image/png"}
    response = service.client.post("/v1/infer", json=WITHOUT_ID, headers=headers)
    assert_problem(response, 401, "unauthenticated")


def test_a_client_that_does_not_wait_gets_the_job(service: Service) -> None:
    headers = {**AUTHORIZED, "Accept": "image/png", "Prefer": "respond-async"}
    response = service.client.post("/v1/infer", json=infer_body(), headers=headers)
    assert (response.status_code, response.mimetype) == (202, "application/json")


@pytest.mark.parametrize("path", ["/v1/infer", "/infer", "/v1/jobs"])
def test_an_id_is_generated_if_none_is_sent(service: Service, path: str) -> None:
    ids = {
        service.client.post(path, json=WITHOUT_ID, headers=AUTHORIZED).get_json()["id"]
        for _ in range(2)
    }
    assert len(ids) == 2
    for each in ids:
        assert service.client.get(f"/v1/jobs/{each}", headers=AUTHORIZED).status_code == 200
