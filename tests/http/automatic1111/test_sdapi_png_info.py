"""The parameters in pictures, in AUTOMATIC1111's API."""

import base64
import io
import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from PIL import Image
from werkzeug.test import TestResponse

from adapters.http.edge.bodies import body_limit
from adapters.pictures.encoding import encode_picture
from domain.generation.parameters import parameters_text
from tests.fakes.picture_codec import FakePictureCodec
from tests.http.automatic1111.sdapi import basic, error_of, places_of
from tests.http.conftest import AUTHORIZED, Service, make_service, make_settings
from tests.http.helpers import make_token
from tests.unit.generation.test_picture_parameters import REQUEST, WRITTEN
from tests.unit.pictures.hostile_pictures import chunk, packed, png

URL = "/sdapi/v1/png-info"
TEXT = parameters_text(REQUEST, seed=8, sampler="DPM++ 2M")
SMALL = png(chunk(b"tEXt", b"parameters\0" + TEXT.encode()), chunk(b"tEXt", b"Software\0here"))


def ask(client: FlaskClient, image: object) -> TestResponse:
    return client.post(URL, json={"image": image}, headers=AUTHORIZED)


def in_base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def info_of(response: TestResponse) -> dict[str, Any]:
    assert response.status_code == 200, response.get_data(as_text=True)[:300]
    body: dict[str, Any] = response.get_json()
    assert set(body) == {"info", "items", "parameters"}
    return body


@pytest.mark.parametrize(
    "form",
    [
        "{}",
        "data:image/png;base64,{}",
        "DATA:;base64,{}",
        " {}\n",
    ],
)
def test_the_text_and_its_meaning_are_returned(shared: Service, form: str) -> None:
    body = info_of(ask(shared.client, form.format(in_base64(SMALL))))
    assert body == {"info": TEXT, "items": {"Software": "here"}, "parameters": WRITTEN}


def test_wrapped_base64_is_accepted(shared: Service) -> None:
    lines = base64.encodebytes(SMALL).decode()
    assert info_of(ask(shared.client, lines))["info"] == TEXT


def test_a_picture_without_parameters_returns_empty_text(shared: Service) -> None:
    body = info_of(ask(shared.client, in_base64(png())))
    assert body == {"info": "", "items": {}, "parameters": {}}


def test_the_largest_picture_of_this_service_can_be_read_again(shared: Service) -> None:
    noise = Image.effect_noise((1024, 1024), 200)
    image = Image.merge("RGB", [noise, noise.rotate(90), noise.rotate(180)])
    data = encode_picture(image, TEXT)
    assert len(in_base64(data)) > 2 * shared.container.settings().max_body_bytes
    assert info_of(ask(shared.client, "data:image/png;base64," + in_base64(data)))["info"] == TEXT


def body_of(length: int) -> bytes:
    """Return a body of this many bytes that contains a picture."""
    room = length - len(json.dumps({"image": in_base64(SMALL)}))
    # Bytes after the end of a PNG change nothing. Four characters hold three of them.
    picture = in_base64(SMALL + bytes(room // 4 * 3))
    blanks = length - len(json.dumps({"image": picture}))
    body = json.dumps({"image": picture + " " * blanks}).encode()
    assert len(body) == length
    return body


@pytest.mark.parametrize("body_bytes, picture_bytes", [(2048, 100_000), (100_000, 2048)])
def test_a_body_up_to_the_limit_is_accepted(body_bytes: int, picture_bytes: int) -> None:
    settings = make_settings(max_body_bytes=body_bytes, max_picture_bytes=picture_bytes)
    client, limit = make_service(settings).client, body_limit(body_bytes, picture_bytes, 1)
    headers = {**AUTHORIZED, "Content-Type": "application/json"}
    assert info_of(client.post(URL, data=body_of(limit), headers=headers))["info"] == TEXT
    detail = error_of(client.post(URL, data=body_of(limit + 1), headers=headers), 413)["detail"]
    assert str(limit) in detail
    assert f"MAX_PICTURE_BYTES={picture_bytes}" in detail


@pytest.mark.parametrize("more, status", [(0, 200), (1, 413)])
def test_a_chunked_body_has_the_same_limit(more: int, status: int) -> None:
    settings = make_settings(max_body_bytes=2048, max_picture_bytes=100_000)
    response = make_service(settings).client.post(
        URL,
        input_stream=io.BytesIO(body_of(body_limit(2048, 100_000, 1) + more)),
        content_type="application/json",
        headers=AUTHORIZED | {"Transfer-Encoding": "chunked"},
        environ_overrides={"wsgi.input_terminated": True},
    )
    assert response.status_code == status


def test_other_routes_keep_their_smaller_limit() -> None:
    client = make_service(make_settings(max_body_bytes=2048)).client
    headers = {**AUTHORIZED, "Content-Type": "application/json"}
    for path in ("/sdapi/v1/options", "/v1/tokens"):
        assert client.post(path, data=body_of(4096), headers=headers).status_code == 413


@pytest.mark.parametrize(
    "image, message",
    [
        (None, "null"),
        ("", "base64"),
        (1, "base64"),
        ([], "base64"),
        ("no base64!", "not base64"),
        ("abc", "not base64"),
        ("data:image/png;base64", "PNG, JPEG or WebP"),
        ("http://127.0.0.1/a.png", "not base64"),
        (in_base64(b"no picture"), "is not a PNG, JPEG or WebP file"),
        (in_base64(SMALL[:-20]), "cut off"),
        (in_base64(png(width=100_000, height=100_000)), "100000 × 100000 pixels"),
        (in_base64(png(packed(b"zTXt", b"a" * 100_000_000))), "bytes of text"),
        (in_base64(png(packed(b"iTXt", b"a" * 100_000_000))), "bytes of text"),
        (in_base64(png(*[chunk(b"prVt")] * 20_000)), "parts"),
    ],
    ids=range(14),
)
def test_an_invalid_or_hostile_picture_is_reported(
    shared: Service, image: object, message: str
) -> None:
    assert message in places_of(ask(shared.client, image))["image"]


def test_a_picture_is_required(shared: Service) -> None:
    response = shared.client.post(URL, json={}, headers=AUTHORIZED)
    assert "image" in places_of(response)


def test_other_fields_do_not_matter(shared: Service) -> None:
    sent = {"image": in_base64(SMALL), "unheard_of": 1}
    assert info_of(shared.client.post(URL, json=sent, headers=AUTHORIZED))["info"] == TEXT


def test_the_credential_is_checked_before_the_picture(shared: Service) -> None:
    error_of(shared.client.post(URL, data=b"{"), 401)
    reader = basic(make_token({"scope": "models:read"}))
    error_of(shared.client.post(URL, data=b"{", headers=reader), 403)


def test_the_reader_can_be_replaced() -> None:
    service = make_service(make_settings())
    service.container.picture_codec.override(FakePictureCodec())
    service.container.app.reset()
    client = service.container.app().test_client()
    assert "is not a PNG" in places_of(ask(client, in_base64(SMALL)))["image"]
