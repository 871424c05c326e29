"""`/v1/images`: pictures that callers send, and those that were drawn for them."""

import base64
import hashlib
import io
from typing import Any

import pytest
from werkzeug.test import TestResponse

from domain.pictures import MOST_PIXELS_SENT
from tests.contract.test_pictures import RED, picture
from tests.fakes.stores import FakeSoleUse
from tests.http.conftest import (
    AUTHORIZED,
    OTHERS,
    Service,
    infer_body,
    make_service,
    make_settings,
)
from tests.http.helpers import assert_problem, bearer, make_token, wrong_fields
from tests.unit.pictures.hostile_pictures import png

IMAGES = "/v1/images"
RED_ID = hashlib.sha256(RED).hexdigest()


def send(
    service: Service,
    data: bytes = RED,
    content_type: str | None = "image/png",
    headers: dict[str, str] = AUTHORIZED,
) -> TestResponse:
    return service.client.post(IMAGES, data=data, content_type=content_type, headers=headers)


def fetch(service: Service, picture_id: str, headers: dict[str, str] = AUTHORIZED) -> TestResponse:
    return service.client.get(f"{IMAGES}/{picture_id}", headers=headers)


def drawn(service: Service, headers: dict[str, str] = AUTHORIZED, **changes: Any) -> dict[str, Any]:
    """Draw a picture, and return the answer."""
    response = service.client.post("/v1/infer", json=infer_body(**changes), headers=headers)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.get_json()
    return found


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_picture_that_was_sent_can_be_fetched(service: Service, kind: str) -> None:
    data, media_type = picture("blue", kind=kind), f"image/{kind.lower()}"
    response = send(service, data, media_type)
    picture_id = hashlib.sha256(data).hexdigest()
    assert response.status_code == 201
    assert response.headers["Location"] == f"/v1/images/{picture_id}"
    assert response.get_json() == {
        "id": picture_id,
        "media_type": media_type,
        "width": 8,
        "height": 6,
        "size": len(data),
    }
    found = service.client.get(response.headers["Location"], headers=AUTHORIZED)
    assert (found.status_code, found.content_type, found.data) == (200, media_type, data)


def test_the_same_bytes_again_are_the_same_picture(service: Service) -> None:
    first, again = send(service), send(service)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.get_json() == again.get_json()
    assert first.headers["Location"] == again.headers["Location"]
    assert service.pictures.writes == [RED_ID]


def test_a_picture_is_private_to_its_callers_and_its_bytes_are_there_once(service: Service) -> None:
    send(service)
    assert_problem(fetch(service, RED_ID, OTHERS), 404, "picture_not_found")
    assert send(service, headers=OTHERS).status_code == 201
    assert fetch(service, RED_ID, OTHERS).data == RED
    assert service.pictures.writes == [RED_ID]


@pytest.mark.parametrize("picture_id", ["0" * 64, "a", "%00", "é", "..%2F..%2Fapi-key", "0" * 5000])
def test_an_unknown_picture_is_a_404(service: Service, picture_id: str) -> None:
    response = fetch(service, picture_id)
    assert response.status_code == 404
    if "%2F" not in picture_id:
        assert len(assert_problem(response, 404, "picture_not_found")["detail"]) < 250


def test_the_id_may_have_capital_letters(service: Service) -> None:
    send(service)
    assert fetch(service, RED_ID.upper()).data == RED


def test_a_browser_may_keep_the_file_for_good(service: Service) -> None:
    send(service)
    response = fetch(service, RED_ID)
    assert response.headers["ETag"] == f'"{RED_ID}"'
    assert response.headers["Cache-Control"] == "private, max-age=31536000, immutable"
    assert response.headers["Vary"] == "Authorization"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    again = fetch(service, RED_ID, AUTHORIZED | {"If-None-Match": response.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_head_answers_without_the_file(service: Service) -> None:
    send(service)
    response = service.client.head(f"{IMAGES}/{RED_ID}", headers=AUTHORIZED)
    assert (response.status_code, response.data) == (200, b"")
    assert response.headers["Content-Length"] == str(len(RED))


@pytest.mark.parametrize(
    "content_type",
    [None, "application/json", "application/octet-stream", "image/gif", "image/*", "text/html"],
)
def test_another_content_type_is_a_415_before_the_body_is_read(
    service: Service, content_type: str | None
) -> None:
    response = send(service, b"x" * 2**25, content_type)
    detail = assert_problem(response, 415, "unsupported_media_type")["detail"]
    assert "image/png, image/jpeg or image/webp" in detail


def test_the_content_decides_the_format(service: Service) -> None:
    response = send(service, picture(kind="JPEG"), "image/png")
    assert (response.status_code, response.get_json()["media_type"]) == (201, "image/jpeg")
    found = fetch(service, response.get_json()["id"])
    assert found.content_type == "image/jpeg"


@pytest.mark.parametrize(
    "data, message",
    [
        (b"", "is not a PNG, JPEG or WebP file"),
        (b"not a picture", "is not a PNG, JPEG or WebP file"),
        (b"GIF89a" + bytes(100), "is not a PNG, JPEG or WebP file"),
        (RED[:-20], "cut off"),
        (png(width=60_000, height=60_000), "pixels"),
        (png(width=MOST_PIXELS_SENT + 1, height=1), "pixels"),
    ],
    ids=range(6),
)
def test_what_is_not_a_picture_is_a_422_with_the_name_of_the_field(
    service: Service, data: bytes, message: str
) -> None:
    assert message in wrong_fields(send(service, data))["image"]
    assert service.pictures.files == {}
    assert service.index.rows == {}


def test_a_file_may_have_max_picture_bytes_and_no_more() -> None:
    data = picture(size=(1000, 400))
    for limit, status in ((len(data), 201), (len(data) - 1, 413)):
        service = make_service(make_settings(max_picture_bytes=limit, max_body_bytes=1024))
        assert send(service, data).status_code == status


@pytest.fixture
def limited() -> Service:
    """A service whose pictures have at most 2000 bytes."""
    return make_service(make_settings(max_picture_bytes=2000))


def test_a_file_with_one_byte_too_many_is_a_413_that_names_the_setting(limited: Service) -> None:
    assert send(limited, b"x" * 2000).status_code == 422
    response = send(limited, b"x" * 2001)
    detail = assert_problem(response, 413, "picture_file_too_large")["detail"]
    assert "MAX_PICTURE_BYTES=2000" in detail


class _Counted(io.BytesIO):
    """A body that counts what is read of it."""

    read_bytes = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self.read_bytes += len(data)
        return data

    def readinto(self, buffer: Any, /) -> int:
        number = super().readinto(buffer)
        self.read_bytes += number
        return number


def test_no_more_than_the_limit_is_read_of_a_body_without_a_length(limited: Service) -> None:
    body = _Counted(b"x" * 1_000_000)
    response = limited.client.post(
        IMAGES,
        input_stream=body,
        content_type="image/png",
        headers=AUTHORIZED | {"Transfer-Encoding": "chunked"},
        environ_overrides={"wsgi.input_terminated": True},
    )
    assert_problem(response, 413, "picture_file_too_large")
    assert 2000 < body.read_bytes <= 2001


def test_the_scope_is_checked_before_the_body_is_read(limited: Service) -> None:
    assert_problem(send(limited, b"x" * 3000, headers={}), 401, "unauthenticated")
    reader = bearer(make_token({"scope": "models:read"}))
    assert_problem(send(limited, b"x" * 3000, headers=reader), 403, "insufficient_scope")
    assert_problem(fetch(limited, RED_ID, reader), 403, "insufficient_scope")


def test_a_full_disk_is_a_503_and_keeps_nothing(service: Service) -> None:
    service.pictures.full = True
    assert_problem(send(service), 503, "storage_unavailable")
    assert service.index.rows == {}
    service.pictures.full = False
    assert send(service).status_code == 201


def test_nothing_is_kept_while_another_service_uses_the_folder() -> None:
    service = make_service(make_settings())
    sole_use = service.container.sole_use()
    assert isinstance(sole_use, FakeSoleUse)
    sole_use.others = True
    assert_problem(send(service), 503, "storage_in_use")
    assert service.index.rows == {}


def test_a_browser_of_another_origin_may_send_pictures() -> None:
    client = make_service(make_settings(cors_origins=("https://a.example",))).client
    headers = {
        "Origin": "https://a.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, content-type",
    }
    response = client.options(IMAGES, headers=headers)
    assert response.headers["Access-Control-Allow-Origin"] == "https://a.example"
    assert "POST" in response.headers["Access-Control-Allow-Methods"]


def test_the_request_log_names_the_caller_and_no_key(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    send(service)
    (line,) = [each.message for each in caplog.records if f"POST {IMAGES}" in each.message]
    assert " 201 in " in line
    assert "key:" in line


def test_each_image_of_an_answer_carries_its_id_and_is_found_by_it(service: Service) -> None:
    answer = drawn(service, num_images=2)
    job = service.client.get(f"/v1/jobs/{answer['id']}", headers=AUTHORIZED).get_json()
    listed = service.client.get("/v1/jobs", headers=AUTHORIZED).get_json()["jobs"][0]
    for number, image in enumerate(answer["images"]):
        data = base64.b64decode(image["base64"])
        assert image["id"] == hashlib.sha256(data).hexdigest()
        assert job["images"][number]["id"] == listed["images"][number]["id"] == image["id"]
        found = fetch(service, image["id"])
        assert (found.status_code, found.content_type, found.data) == (200, "image/png", data)
        assert_problem(fetch(service, image["id"], OTHERS), 404, "picture_not_found")
    assert service.pictures.files == {}, "a drawn picture is stored once, with its job"


def test_a_drawn_picture_that_is_sent_was_there(service: Service) -> None:
    data = base64.b64decode(drawn(service)["images"][0]["base64"])
    assert send(service, data).status_code == 200
    assert send(service, data, headers=OTHERS).status_code == 201


@pytest.mark.parametrize("is_sent", [False, True])
def test_a_job_that_is_forgotten_takes_its_pictures_with_it(
    service: Service, is_sent: bool
) -> None:
    answer = drawn(service)
    data = base64.b64decode(answer["images"][0]["base64"])
    if is_sent:
        send(service, data)
    path = f"/v1/jobs/{answer['id']}?forget=true"
    assert service.client.delete(path, headers=AUTHORIZED).status_code == 204
    found = fetch(service, answer["images"][0]["id"])
    assert found.status_code == (200 if is_sent else 404)
