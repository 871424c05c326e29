"""X-Request-ID and the log lines that carry it."""

import logging
import re

import pytest
from flask.testing import FlaskClient

from tests.http.conftest import API_KEY, AUTHORIZED, MODEL, SECRET_KEY, Service, infer_body
from tests.http.helpers import bearer, key_name, make_token

MADE_HERE = re.compile(r"[A-Za-z0-9._:-]{16,128}")
PROMPT = "an unmistakable prompt"
NEGATIVE_PROMPT = "an unmistakable negative"


@pytest.mark.parametrize("sent", ["x", "x" * 128, "AZaz09._:-", "...", "00-4bf92f35-01"])
def test_a_valid_request_id_is_kept(shared: Service, sent: str) -> None:
    response = shared.client.get("/health", headers={"X-Request-ID": sent})
    assert response.headers.getlist("X-Request-ID") == [sent]


@pytest.mark.parametrize(
    "sent", ["", " ", "x" * 129, "a b", "a,b", "a/b", "a\tb", "é", "<script>", "a;b", "a=b", "a\\b"]
)
def test_an_invalid_request_id_is_replaced(shared: Service, sent: str) -> None:
    response = shared.client.get("/health", headers={"X-Request-ID": sent})
    (made,) = response.headers.getlist("X-Request-ID")
    assert made != sent
    assert MADE_HERE.fullmatch(made)


def test_a_request_without_an_id_gets_a_new_one(shared: Service) -> None:
    made = {shared.client.get("/health").headers["X-Request-ID"] for _ in range(5)}
    assert len(made) == 5
    assert all(map(MADE_HERE.fullmatch, made))


@pytest.mark.parametrize(
    "method, path, status",
    [
        ("GET", "/", 200),
        ("HEAD", "/v1", 200),
        ("OPTIONS", "/v1/infer", 200),
        ("GET", "/assets-0123/styles/base.css", 200),
        ("GET", "/v1//models", 308),
        ("GET", "/v1/models", 401),
        ("POST", "/v1/infer", 401),
        ("GET", "/nope", 404),
        ("HEAD", "/nope", 404),
        ("PUT", "/v1", 405),
    ],
)
def test_every_response_has_a_request_id(
    shared: Service, method: str, path: str, status: int
) -> None:
    with shared.client.open(path, method=method, headers={"X-Request-ID": "mine"}) as response:
        assert response.status_code == status
        assert response.headers.getlist("X-Request-ID") == ["mine"]


@pytest.mark.parametrize("path, status", [("/v1/models", 200), ("/nope", 404), ("/v1/infer", 405)])
def test_the_log_line_of_a_request_carries_its_id(
    shared: Service, caplog: pytest.LogCaptureFixture, path: str, status: int
) -> None:
    caplog.set_level(logging.INFO)
    made = shared.client.get(path, headers=AUTHORIZED).headers["X-Request-ID"]
    (line,) = (record.getMessage() for record in caplog.records if made in record.getMessage())
    assert f"GET {path} {status}" in line


def test_the_log_line_names_the_caller(shared: Service, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    shared.client.get("/v1/models", headers=AUTHORIZED)
    assert key_name(API_KEY) in caplog.messages[-1]
    shared.client.get("/v1/models")
    assert "nobody" in caplog.messages[-1]


def test_the_log_line_names_the_address_of_a_refused_request(
    shared: Service, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    for path in ("/v1/models", "/metrics"):
        shared.client.get(path, environ_overrides={"REMOTE_ADDR": "192.0.2.7"})
        assert f"GET {path} 401" in caplog.messages[-1]
        assert "for nobody from 192.0.2.7, request_id=" in caplog.messages[-1]


def test_the_forwarded_address_is_logged_beside_the_real_one(
    shared: Service, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    said = {"X-Forwarded-For": "198.51.100.9, 203.0.113.4"}
    shared.client.get("/v1/models", headers=AUTHORIZED | said)
    line = caplog.messages[-1]
    assert "from 127.0.0.1, forwarded_for='198.51.100.9, 203.0.113.4', request_id=" in line


def test_a_long_forwarded_address_keeps_its_end(
    shared: Service, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    said = {"X-Forwarded-For": "é" * 8000 + ", 203.0.113.4"}
    shared.client.get("/v1/models", headers=AUTHORIZED | said)
    assert ", 203.0.113.4', request_id=" in caplog.messages[-1]
    assert len(caplog.messages[-1]) < 1200


@pytest.mark.parametrize("variable", ["HTTP_X_FORWARDED_FOR", "REMOTE_ADDR"])
def test_an_address_with_a_newline_forges_no_line(
    shared: Service, caplog: pytest.LogCaptureFixture, variable: str
) -> None:
    caplog.set_level(logging.INFO)
    forged = {variable: "192.0.2.7\r\nERROR forged"}
    shared.client.get("/v1/models", headers=AUTHORIZED, environ_overrides=forged)
    assert "192.0.2.7\\r\\nERROR forged" in caplog.messages[-1]
    assert caplog.messages[-1].isprintable()


def test_a_log_line_is_one_line_whatever_was_sent(
    client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    token = make_token({"sub": "me\nERROR forged"})
    client.get("/v1/models/a%0AERROR%20forged%0d%1b", headers=bearer(token))
    assert caplog.messages
    assert all(message.isprintable() for message in caplog.messages)


def test_no_log_line_at_any_level_contains_a_key_or_a_token(
    shared: Service, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    wrong, token = "a-wrong-key-that-was-sent", make_token()
    minted = shared.client.post("/v1/tokens", headers=AUTHORIZED).get_json()["access_token"]
    for credential in (API_KEY, wrong, token, minted):
        shared.client.get("/v1/models", headers=bearer(credential))
        shared.client.post("/v1/infer", headers=bearer(credential), json=infer_body())
        shared.client.post("/v1/infer", headers=bearer(credential), data=b"{")
        shared.client.get("/nope", headers=bearer(credential))
    assert len(caplog.messages) >= 16
    secrets = (API_KEY, SECRET_KEY, wrong, token, minted)
    assert not [secret for secret in secrets if secret in caplog.text]


def test_a_picture_is_logged_with_everything_but_its_prompt(
    shared: Service, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    body = infer_body(
        id="picture-7",
        prompt=PROMPT,
        negative_prompt=NEGATIVE_PROMPT,
        num_inference_steps=11,
        width=264,
        height=272,
    )
    shared.client.post("/v1/infer", headers=AUTHORIZED, json=body)
    (line,) = (message for message in caplog.messages if "picture-7" in message)
    words = (key_name(API_KEY), MODEL.id[:10], "11", "264x272", "seconds")
    assert [word for word in words if word not in line] == []
    assert "unmistakable" not in caplog.text


def test_a_failing_prompt_is_not_logged_either(
    shared: Service, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    shared.generator.failures.append(RuntimeError("no"))
    bodies = (
        infer_body(prompt=PROMPT),
        infer_body(prompt=PROMPT, width=1),
        {"prompt": PROMPT * 99},
    )
    for body in bodies:
        shared.client.post("/v1/infer", headers=AUTHORIZED, json=body)
    assert len(caplog.messages) >= 3
    assert "unmistakable" not in caplog.text
