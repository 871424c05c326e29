"""POST /v1/tokens."""

import time
from typing import Any

import jwt
import pytest

from tests.http.conftest import (
    API_KEY,
    AUTHORIZED,
    OTHER_API_KEY,
    SECRET_KEY,
    Service,
    infer_body,
    make_service,
    make_settings,
)
from tests.http.helpers import assert_problem, bearer, key_name, make_token, wrong_fields

BOTH = "models:read inference:run"


def mint(service: Service, *, key: str = API_KEY, **body: object) -> dict[str, Any]:
    response = service.client.post("/v1/tokens", json=body, headers=bearer(key))
    assert response.status_code == 201
    answer: dict[str, Any] = response.get_json()
    return answer


def claims(token: str) -> dict[str, Any]:
    return jwt.decode(token, SECRET_KEY, algorithms=["HS256"])


@pytest.mark.parametrize(
    "options",
    [{}, {"json": {}}, {"data": b""}, {"data": b"", "content_type": "text/plain"}],
)
def test_the_body_may_be_omitted(shared: Service, options: dict[str, Any]) -> None:
    response = shared.client.post("/v1/tokens", headers=AUTHORIZED, **options)
    assert response.status_code == 201
    assert response.headers["Cache-Control"] == "no-store"
    answer = response.get_json()
    assert answer == {
        "access_token": answer["access_token"],
        "token_type": "Bearer",
        "expires_in": 3600,
        "scope": BOTH,
    }
    assert claims(answer["access_token"])["scope"] == BOTH


def test_a_minted_token_opens_what_its_key_opens(shared: Service) -> None:
    headers = bearer(mint(shared)["access_token"])
    assert shared.client.get("/v1/models", headers=headers).status_code == 200
    assert shared.client.post("/v1/infer", json=infer_body(), headers=headers).status_code == 200


@pytest.mark.parametrize("key", [API_KEY, OTHER_API_KEY])
def test_the_subject_is_the_caller_name_of_the_key(shared: Service, key: str) -> None:
    assert claims(mint(shared, key=key)["access_token"])["sub"] == key_name(key)


@pytest.mark.parametrize("expires_in", [1, 60, 86_400])
def test_a_token_has_the_requested_lifetime(shared: Service, expires_in: int) -> None:
    before = int(time.time())
    answer = mint(shared, expires_in=expires_in)
    assert answer["expires_in"] == expires_in
    expiry = claims(answer["access_token"])["exp"]
    assert before + expires_in <= expiry <= time.time() + expires_in


@pytest.mark.parametrize("expires_in", [0, -1, 86_401, 10**30, True, "60", 60.5, None, [], {}])
def test_an_invalid_expires_in_is_refused(shared: Service, expires_in: object) -> None:
    body = {"expires_in": expires_in}
    response = shared.client.post("/v1/tokens", json=body, headers=AUTHORIZED)
    assert set(wrong_fields(response)) == {"expires_in"}


@pytest.mark.parametrize(
    "asked, given",
    [
        ("models:read", "models:read"),
        ("inference:run", "inference:run"),
        (BOTH, BOTH),
        ("inference:run  models:read inference:run", BOTH),
        ("", ""),
    ],
)
def test_a_token_has_the_requested_scope(shared: Service, asked: str, given: str) -> None:
    answer = mint(shared, scope=asked)
    assert answer["scope"] == given
    headers = bearer(answer["access_token"])
    read = shared.client.get("/v1/models", headers=headers).status_code
    drew = shared.client.post("/v1/infer", json=infer_body(), headers=headers).status_code
    assert (read == 200, drew == 200) == ("models:read" in given, "inference:run" in given)
    assert {read, drew} <= {200, 403}


@pytest.mark.parametrize(
    "scope",
    [
        "admin",
        "models:read admin",
        "Models:read",
        "models:read,inference:run",
        "models:read\0",
        "x" * 1001,
        None,
        5,
        ["models:read"],
        {},
    ],
)
def test_an_unknown_or_ill_typed_scope_is_refused(shared: Service, scope: object) -> None:
    response = shared.client.post("/v1/tokens", json={"scope": scope}, headers=AUTHORIZED)
    assert set(wrong_fields(response)) == {"scope"}


def test_an_unknown_scope_is_answered_with_the_known_ones(shared: Service) -> None:
    response = shared.client.post("/v1/tokens", json={"scope": "admin"}, headers=AUTHORIZED)
    message = wrong_fields(response)["scope"]
    assert "'admin'" in message
    assert BOTH in message


def test_all_invalid_fields_are_named_at_once(shared: Service) -> None:
    body = {"expires_in": 0, "scope": "admin", "sub": "me"}
    response = shared.client.post("/v1/tokens", json=body, headers=AUTHORIZED)
    assert set(wrong_fields(response)) == set(body)


@pytest.mark.parametrize(
    "body, content_type, status, code",
    [
        (b"{", "application/json", 400, "bad_request"),
        (b"{}", "text/plain", 415, "unsupported_media_type"),
        (b"[]", "application/json", 422, "invalid_request"),
    ],
)
def test_a_present_body_follows_the_rules_of_bodies(
    shared: Service, body: bytes, content_type: str, status: int, code: str
) -> None:
    response = shared.client.post(
        "/v1/tokens", data=body, content_type=content_type, headers=AUTHORIZED
    )
    assert_problem(response, status, code)


@pytest.mark.parametrize("body", [b"", b"{}", b"{", b'{"expires_in": 0}'])
def test_a_token_cannot_mint_another(shared: Service, body: bytes) -> None:
    for token in (make_token(), mint(shared)["access_token"]):
        headers = bearer(token) | {"Content-Type": "application/json"}
        response = shared.client.post("/v1/tokens", data=body, headers=headers)
        assert_problem(response, 403, "token_minting_forbidden")


@pytest.mark.parametrize("body", [b"", b"{}", b"{"])
def test_without_a_secret_key_there_are_no_tokens(body: bytes) -> None:
    client = make_service(make_settings(secret_key=None)).client
    headers = AUTHORIZED | {"Content-Type": "application/json"}
    response = client.post("/v1/tokens", data=body, headers=headers)
    detail = assert_problem(response, 501, "tokens_unavailable")["detail"]
    assert "SECRET_KEY" in detail
