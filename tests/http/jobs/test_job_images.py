"""GET /v1/jobs/{id}/images/{n}: a single picture."""

import base64
import dataclasses
import re

import pytest
from flask.testing import FlaskClient

from application.job import JobImage
from domain.generation.request import GeneratedImage
from tests.http.conftest import AUTHORIZED, Service, infer_body, make_service, make_settings
from tests.http.helpers import assert_problem

URL = "/v1/jobs/pictures/images"


@pytest.fixture(scope="module")
def service() -> Service:
    """A service with a job of two pictures, a waiting one, and one with an odd name."""
    service = make_service(make_settings())
    for name in ("pictures", '../"ü" x'):
        body = infer_body(id=name.replace("/", ""), num_images=2)
        service.client.post("/v1/jobs", json=body, headers=AUTHORIZED)
        service.container.job_service().run_once()
    service.client.post("/v1/jobs", json=infer_body(id="waits"), headers=AUTHORIZED)
    return service


@pytest.fixture
def client(service: Service) -> FlaskClient:
    return service.client


def test_a_picture_is_the_one_in_the_answer_of_the_inference(client: FlaskClient) -> None:
    job = client.get("/v1/jobs/pictures", headers=AUTHORIZED).get_json()
    inferred = client.post("/v1/infer", json=job["request"], headers=AUTHORIZED).get_json()
    for number, image in enumerate(inferred["images"]):
        response = client.get(f"{URL}/{number}", headers=AUTHORIZED)
        assert (response.status_code, response.content_type) == (200, "image/png")
        assert response.data == base64.b64decode(image["base64"])
        assert int(response.headers["Content-Length"]) == len(response.data)
        assert response.headers["Content-Disposition"] == (
            f'inline; filename="pictures-{number}.png"'
        )


@pytest.mark.parametrize(
    "data, media_type",
    [
        (b"\xff\xd8\xff\xe0 a jpeg", "image/jpeg"),
        (b"RIFF\n\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"<script>", "application/octet-stream"),
    ],
)
def test_the_media_type_is_that_of_the_bytes(data: bytes, media_type: str) -> None:
    service = make_service(make_settings())
    service.client.post("/v1/jobs", json=infer_body(id="pictures"), headers=AUTHORIZED)
    service.container.job_service().run_once()
    ((token, _pictures),) = service.results.files.items()
    service.results.files[token] = (data,)
    _describe(service, GeneratedImage(data, 7, 512, 512))
    response = service.client.get(f"{URL}/0", headers=AUTHORIZED)
    assert (response.content_type, response.data) == (media_type, data)
    assert response.headers["X-Content-Type-Options"] == "nosniff"


def _describe(service: Service, image: GeneratedImage) -> None:
    """Make this picture's job the only stored one."""
    ((key, job),) = service.jobs.jobs.items()
    service.jobs.jobs[key] = dataclasses.replace(job, images=(JobImage.of(image),))


def test_a_picture_with_changed_bytes_is_lost_and_not_shown() -> None:
    service = make_service(make_settings())
    service.client.post("/v1/jobs", json=infer_body(id="pictures"), headers=AUTHORIZED)
    service.container.job_service().run_once()
    ((token, (picture,)),) = service.results.files.items()
    service.results.files[token] = (picture[:-1] + b"?",)
    assert_problem(service.client.get(f"{URL}/0", headers=AUTHORIZED), 410, "pictures_lost")


def test_a_client_that_has_a_picture_gets_304(client: FlaskClient) -> None:
    first = client.get(f"{URL}/0", headers=AUTHORIZED)
    tag = first.headers["ETag"]
    assert re.fullmatch(r'"[0-9a-f]{64}"', tag)
    assert client.get(f"{URL}/1", headers=AUTHORIZED).headers["ETag"] != tag
    for sent in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        response = client.get(f"{URL}/0", headers=AUTHORIZED | {"If-None-Match": sent})
        assert (response.status_code, response.data) == (304, b"")
        assert response.headers["ETag"] == tag
        assert response.headers["Cache-Control"] == first.headers["Cache-Control"]
    for sent in ('"other"', "nonsense", '"'):
        response = client.get(f"{URL}/0", headers=AUTHORIZED | {"If-None-Match": sent})
        assert (response.status_code, response.data) == (200, first.data)


def test_a_picture_may_be_cached_by_its_caller_only(client: FlaskClient) -> None:
    headers = client.get(f"{URL}/0", headers=AUTHORIZED).headers
    assert headers["Cache-Control"] == "private, no-cache"
    assert "Authorization" in ", ".join(headers.getlist("Vary"))


def test_head_is_get_without_the_picture(client: FlaskClient) -> None:
    got = client.get(f"{URL}/0", headers=AUTHORIZED)
    head = client.head(f"{URL}/0", headers=AUTHORIZED)
    assert (head.status_code, head.data) == (200, b"")
    named = ("Content-Type", "Content-Length", "ETag", "Content-Disposition", "Cache-Control")
    assert [head.headers[name] for name in named] == [got.headers[name] for name in named]


def test_the_file_name_is_safe_whatever_the_id_is(client: FlaskClient) -> None:
    response = client.get("/v1/jobs/..%22%C3%BC%22%20x/images/1", headers=AUTHORIZED)
    assert response.headers["Content-Disposition"] == 'inline; filename="_x-1.png"'


@pytest.mark.parametrize(
    "number", ["2", "4", "-1", "00", "01", "+1", "1.0", "x", "%20", "\u0661", "0x0", "9" * 5000]
)
def test_a_missing_image_is_not_found(client: FlaskClient, number: str) -> None:
    response = client.get(f"{URL}/{number}", headers=AUTHORIZED)
    assert len(assert_problem(response, 404, "image_not_found")["detail"]) < 300


def test_a_job_that_is_not_drawn_yet_has_no_image(client: FlaskClient) -> None:
    response = client.get("/v1/jobs/waits/images/0", headers=AUTHORIZED)
    detail = assert_problem(response, 404, "image_not_ready")["detail"]
    assert "is queued and has no pictures yet" in detail or "is running" in detail


def test_a_file_that_cannot_be_read_now_is_not_a_lost_picture(service: Service) -> None:
    service.results.broken = True
    try:
        response = service.client.get(f"{URL}/0", headers=AUTHORIZED)
        assert_problem(response, 503, "storage_unavailable")
    finally:
        service.results.broken = False


def test_lost_pictures_are_gone_until_they_are_requested_again() -> None:
    service = make_service(make_settings())
    body = infer_body(id="lost")
    service.client.post("/v1/jobs", json=body, headers=AUTHORIZED)
    service.container.job_service().run_once()
    first = service.client.get("/v1/jobs/lost/images/0", headers=AUTHORIZED)
    service.results.files.clear()
    gone = service.client.get("/v1/jobs/lost/images/0", headers=AUTHORIZED)
    assert "send the same request" in assert_problem(gone, 410, "pictures_lost")["detail"]
    again = service.client.post("/v1/jobs", json=body, headers=AUTHORIZED)
    assert (again.status_code, again.get_json()["status"]) == (202, "queued")
    service.container.job_service().run_once()
    drawn = service.client.get("/v1/jobs/lost/images/0", headers=AUTHORIZED)
    assert (drawn.status_code, drawn.data) == (200, first.data)


@pytest.mark.parametrize("number", ["first", "-1", "1.5", "0x1", "9" * 40])
def test_a_path_that_is_not_a_picture_number_is_refused_by_name(number: str) -> None:
    service = make_service(make_settings())
    response = service.client.get(f"/v1/jobs/any/images/{number}", headers=AUTHORIZED)
    detail = assert_problem(response, 404, "image_not_found")["detail"]
    assert number[:30] in detail
    assert "is not the number of a picture; send 0 for the first one" in detail
