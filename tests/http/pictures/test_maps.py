"""`POST /v1/preprocess` answers with the map that a ControlNet would follow."""

import base64
import io
import os
from typing import Any

import pytest
from PIL import Image
from werkzeug.test import TestResponse

from domain.errors import OutOfMemory
from domain.generation.parts import Preprocessor
from domain.generation.raster import Raster
from domain.pictures import MOST_PIXELS_SENT
from tests.contract.test_pictures import picture
from tests.http.conftest import AUTHORIZED, OTHERS, Service, make_service, make_settings
from tests.http.helpers import assert_problem, wrong_fields

LEAF = picture("green", (48, 32))
INLINE = {"base64": base64.b64encode(LEAF).decode()}
SOME_ID = {"id": "0" * 64}


def asked(service: Service, **body: Any) -> TestResponse:
    return service.client.post("/v1/preprocess", json=body, headers=AUTHORIZED)


def decoded(answer: TestResponse) -> Image.Image:
    assert answer.status_code == 200, answer.text
    assert answer.content_type == "image/png"
    return Image.open(io.BytesIO(answer.data))


def test_a_map_has_the_size_of_its_picture(service: Service) -> None:
    found = decoded(asked(service, image=INLINE, preprocessor="invert"))
    assert found.size == (48, 32)
    assert found.getpixel((5, 5)) == (255, 127, 255)  # the picture is (0, 128, 0)


def test_inline_and_by_id_are_the_same_map(service: Service) -> None:
    headers = AUTHORIZED | {"Content-Type": "image/png"}
    sent = service.client.post("/v1/images", data=LEAF, headers=headers).get_json()
    named = asked(service, image={"id": sent["id"].upper()}, preprocessor={"name": "invert"})
    assert named.data == asked(service, image=INLINE, preprocessor="invert").data
    # Asking for the map of a picture keeps nothing.
    assert len(service.pictures.files) == 1


@pytest.mark.parametrize(
    ("preprocessor", "wanted"),
    [
        ("canny", Preprocessor(name="canny", low=100, high=200)),
        ({"name": "canny", "low": 7}, Preprocessor(name="canny", low=7, high=200)),
        ({"name": "canny", "low": 0.0, "high": 255}, Preprocessor(name="canny", low=0, high=255)),
        ("invert", Preprocessor(name="invert")),
    ],
)
def test_a_preprocessor_is_given_as_in_a_control(
    service: Service, preprocessor: object, wanted: Preprocessor
) -> None:
    assert asked(service, image=INLINE, preprocessor=preprocessor).status_code == 200
    assert service.preprocessor.asked == [wanted]


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ["image", "preprocessor"]),
        ({"image": INLINE}, ["preprocessor"]),
        ({"image": INLINE, "preprocessor": None}, ["preprocessor"]),
        ({"image": INLINE, "preprocessor": "depth"}, ["preprocessor"]),
        ({"image": INLINE, "preprocessor": {}}, ["preprocessor.name"]),
        ({"image": INLINE, "preprocessor": {"name": "canny", "width": 1}}, ["preprocessor.width"]),
        (
            {"image": INLINE, "preprocessor": {"name": "canny", "low": -1, "high": 256}},
            ["preprocessor.low", "preprocessor.high"],
        ),
        (
            {"image": INLINE, "preprocessor": {"name": "canny", "low": 9, "high": 8}},
            ["preprocessor.low"],
        ),
        ({"image": INLINE, "preprocessor": {"name": "invert", "low": 9}}, ["preprocessor.low"]),
        ({"image": INLINE, "preprocessor": {"name": "canny", "low": True}}, ["preprocessor.low"]),
        ({"image": SOME_ID, "preprocessor": "canny"}, ["image.id"]),
        ({"image": "x", "preprocessor": "canny", "scale": 1}, ["image", "scale"]),
        ({"image": {"base64": "AAAA"}, "preprocessor": "canny"}, ["image.base64"]),
    ],
)
def test_each_wrong_field_has_a_row(shared: Service, body: Any, fields: list[str]) -> None:
    assert sorted(wrong_fields(asked(shared, **body))) == sorted(fields)


def test_the_picture_of_another_caller_is_unknown(service: Service) -> None:
    headers = OTHERS | {"Content-Type": "image/png"}
    sent = service.client.post("/v1/images", data=LEAF, headers=headers).get_json()
    answer = asked(service, image={"id": sent["id"]}, preprocessor="invert")
    assert list(wrong_fields(answer)) == ["image.id"]


@pytest.mark.parametrize(("pixels", "status"), [(0, 200), (1, 422)])
def test_a_picture_has_at_most_the_pixels_of_a_request(
    shared: Service, monkeypatch: pytest.MonkeyPatch, pixels: int, status: int
) -> None:
    # The fake takes long for so many pixels.
    maker = shared.preprocessor
    monkeypatch.setattr(maker, "map_of", lambda *_: Raster(1, 1, b"123"))
    width = MOST_PIXELS_SENT // 4096
    stream = io.BytesIO()
    Image.new("1", (width + pixels, 4096)).save(stream, "PNG")
    data = base64.b64encode(stream.getvalue()).decode()
    answer = asked(shared, image={"base64": data}, preprocessor="invert")
    assert answer.status_code == status


@pytest.mark.parametrize(("room", "status"), [(0, 200), (-1, 413)])
def test_a_file_has_at_most_the_bytes_of_the_settings(room: int, status: int) -> None:
    noise = Image.frombytes("RGB", (40, 40), os.urandom(4800))
    stream = io.BytesIO()
    noise.save(stream, "PNG")
    data = stream.getvalue()
    service = make_service(make_settings(max_picture_bytes=len(data) + room))
    inline = {"base64": base64.b64encode(data).decode()}
    answer = asked(service, image=inline, preprocessor="invert")
    assert answer.status_code == status
    if status == 413:
        assert_problem(answer, 413, "picture_file_too_large")


def test_a_host_without_memory_says_so(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OutOfMemory("making the map of a picture", "the host")

    monkeypatch.setattr(service.preprocessor, "map_of", fail)
    assert_problem(asked(service, image=INLINE, preprocessor="invert"), 507, "out_of_memory")


def test_a_caller_needs_a_key(shared: Service) -> None:
    body = {"image": INLINE, "preprocessor": "invert"}
    assert shared.client.post("/v1/preprocess", json=body).status_code == 401
