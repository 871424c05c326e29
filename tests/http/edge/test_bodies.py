"""Request bodies, before their fields are checked."""

import base64
import io
import json

import pytest
from werkzeug.test import TestResponse

from adapters.http.edge.bodies import PICTURES_OF_A_REQUEST, body_limit
from tests.http.conftest import AUTHORIZED, Service, infer_body, make_service, make_settings
from tests.http.helpers import assert_problem, wrong_fields

JSON = "application/json"


def post(service: Service, body: str | bytes, content_type: str | None = JSON) -> TestResponse:
    return service.client.post(
        "/v1/infer", data=body, content_type=content_type, headers=AUTHORIZED
    )


@pytest.fixture(autouse=True)
def nothing_drawn_yet(shared: Service) -> None:
    shared.generator.drawn.clear()


@pytest.mark.parametrize(
    "content_type",
    [None, "text/plain", "text/json", "application/x-www-form-urlencoded", "application/jsonp"],
)
def test_a_body_without_the_json_media_type_gets_415(
    shared: Service, content_type: str | None
) -> None:
    response = post(shared, json.dumps(infer_body()), content_type)
    detail = assert_problem(response, 415, "unsupported_media_type")["detail"]
    assert JSON in detail
    assert (content_type or "missing") in detail
    assert shared.generator.drawn == []


@pytest.mark.parametrize(
    "content_type", [JSON, "Application/JSON", "application/json; charset=utf-8"]
)
def test_the_media_type_is_accepted_in_every_spelling(shared: Service, content_type: str) -> None:
    assert post(shared, json.dumps(infer_body()), content_type).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        b"\xff",
        b'{"prompt": "\xe9"}',  # Latin-1
        b'{"prompt": "\xc0\x80"}',  # an overlong NUL
        b'{"prompt": "\xed\xa0\x80"}',  # a surrogate
        '{"prompt": "x"}'.encode("utf-16"),
    ],
)
def test_bad_utf_8_gets_400(shared: Service, body: bytes) -> None:
    assert "UTF-8" in assert_problem(post(shared, body), 400, "bad_request")["detail"]


@pytest.mark.parametrize(
    "body",
    [
        " ",
        "{",
        "{'id': 1}",
        '{"id": 1,}',
        '{"id": 01}',
        '{"id": "a\nb"}',
        '{"id": 1} {}',
        "\ufeff{}",
        '{"guidance_scale": NaN}',
        '{"guidance_scale": Infinity}',
        '{"guidance_scale": -Infinity}',
        '{"unknown": [NaN]}',
    ],
)
def test_unparsable_json_gets_400(shared: Service, body: str) -> None:
    assert "JSON" in assert_problem(post(shared, body), 400, "bad_request")["detail"]
    assert shared.generator.drawn == []


@pytest.mark.parametrize("body", ["null", "true", "5", '"text"', "[]", '[{"id": "r1"}]'])
def test_a_body_that_is_not_an_object_gets_422(shared: Service, body: str) -> None:
    assert wrong_fields(post(shared, body)) == {"body": "must be a JSON object"}


@pytest.mark.parametrize("content_type", [None, JSON, "text/plain"])
def test_an_empty_body_lacks_the_required_fields(shared: Service, content_type: str | None) -> None:
    messages = wrong_fields(post(shared, b"", content_type))
    assert messages == dict.fromkeys(("model_id", "prompt"), "is required")


def test_the_last_value_of_a_repeated_key_counts(shared: Service) -> None:
    body = json.dumps(infer_body(prompt="last"))
    assert post(shared, body.replace("{", '{"prompt": 5, "width": 1, ')).status_code == 422
    assert post(shared, body.replace("{", '{"prompt": 5, ')).status_code == 200
    assert [request.prompt for request in shared.generator.drawn] == ["last"]


@pytest.mark.parametrize("opening, inner, closing", [("[", "", "]"), ('{"a":', "1", "}")])
def test_nesting_never_causes_more_than_a_client_error(
    shared: Service, opening: str, inner: str, closing: str
) -> None:
    statuses = []
    for depth in [*range(1, 1000, 7), *range(700, 800), 10_000]:
        value = opening * depth + inner + closing * depth
        statuses.append(post(shared, f'{{"width": {value}}}').status_code)
    assert set(statuses) == {400, 422}


def test_nesting_that_is_too_deep_is_reported(shared: Service) -> None:
    response = post(shared, "[" * 10_000 + "]" * 10_000)
    assert "nested too deeply" in assert_problem(response, 400, "bad_request")["detail"]


@pytest.mark.parametrize("sign", ["", "-"])
def test_an_integer_of_4300_digits_is_parsed_and_refused_as_a_value(
    shared: Service, sign: str
) -> None:
    messages = wrong_fields(post(shared, f'{{"seed": {sign}{"9" * 4300}}}'))
    assert "between 0 and" in messages["seed"]
    assert len(messages["seed"]) < 120


@pytest.mark.parametrize("sign", ["", "-"])
def test_an_integer_of_more_digits_gets_400(shared: Service, sign: str) -> None:
    response = post(shared, f'{{"seed": {sign}{"9" * 4301}}}')
    detail = assert_problem(response, 400, "bad_request")["detail"]
    assert detail == "the body holds a number of more than 4300 digits"


PICTURE_ROUTES = ("/v1/infer", "/infer", "/v1/jobs")
WITH_PICTURES = body_limit(2000, 3000, PICTURES_OF_A_REQUEST)
LIMITS = [("/v1/tokens", 2000), *((route, WITH_PICTURES) for route in PICTURE_ROUTES)]


def small_service() -> Service:
    """Return a service with small limits of bodies and pictures."""
    return make_service(make_settings(max_body_bytes=2000, max_picture_bytes=3000))


def text_body(size: int) -> bytes:
    """Return a body of this many bytes that is one long text in base64, as a picture is."""
    return b'{"x":"' + b"A" * (size - 8) + b'"}'


@pytest.mark.parametrize("filler", [b" " * 3, b"[],", b'"",', b"1,1,1,"])
def test_what_is_beside_the_pictures_is_bounded_as_any_body(filler: bytes) -> None:
    service = small_service()
    text = b'"x":"' + b"A+/=" * 1000 + b'"}'
    for rest, status in ((b"{" + b" " * 1990, 422), (b"{" + filler * 700, 413)):
        body = rest + text
        response = service.client.post(
            "/v1/infer", data=body, headers=AUTHORIZED | {"Content-Type": JSON}
        )
        assert response.status_code == status
        if status == 413:
            assert "MAX_BODY_BYTES=2000 bytes beside its pictures" in response.text


@pytest.mark.parametrize("route, limit", LIMITS)
def test_a_body_with_one_byte_too_many_gets_413(route: str, limit: int) -> None:
    service = small_service()
    good = {"max": text_body(limit), "over": text_body(limit + 1)}
    headers = AUTHORIZED | {"Content-Type": JSON}
    assert service.client.post(route, data=good["max"], headers=headers).status_code in (201, 422)
    response = service.client.post(route, data=good["over"], headers=headers)
    detail = assert_problem(response, 413, "body_too_large")["detail"]
    assert ("MAX_PICTURE_BYTES" if route in PICTURE_ROUTES else "MAX_BODY_BYTES") in detail
    assert str(limit) in detail


def test_a_body_may_hold_as_many_pictures_as_a_request() -> None:
    lines = base64.encodebytes(b"x" * 3000)  # with line ends, as some clients send it
    assert PICTURES_OF_A_REQUEST * len(lines.replace(b"\n", b"\r\n")) <= WITH_PICTURES - 2000


def test_the_default_limit_is_one_mebibyte(shared: Service) -> None:
    headers = AUTHORIZED | {"Content-Type": JSON}
    for size, status in ((2**20, 201), (2**20 + 1, 413)):
        body = b"{}".ljust(size)
        response = shared.client.post("/v1/tokens", data=body, headers=headers)
        assert response.status_code == status


@pytest.mark.parametrize("size, status", [(WITH_PICTURES, 422), (WITH_PICTURES + 1, 413)])
def test_a_chunked_body_has_the_same_limit(size: int, status: int) -> None:
    service = small_service()
    response = service.client.post(
        "/v1/infer",
        input_stream=io.BytesIO(text_body(size)),
        content_type=JSON,
        headers=AUTHORIZED | {"Transfer-Encoding": "chunked"},
        environ_overrides={"wsgi.input_terminated": True},
    )
    assert response.status_code == status


def test_a_long_value_is_not_repeated_in_full(shared: Service) -> None:
    messages = wrong_fields(post(shared, json.dumps({"width": "x" * 10_000, "y" * 10_000: 1})))
    assert all(len(name) + len(message) < 200 for name, message in messages.items())
