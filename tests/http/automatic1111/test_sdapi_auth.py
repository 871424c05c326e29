"""Authentication in AUTOMATIC1111's API, and its errors."""

import base64

import pytest
from werkzeug.test import TestResponse

from tests.http.automatic1111.sdapi import basic, error_of
from tests.http.conftest import API_KEY, AUTHORIZED, OTHER_API_KEY, Service
from tests.http.helpers import assert_problem, bearer, make_token

URL = "/sdapi/v1/txt2img"
BODY = {"prompt": "a red circle"}


def post(service: Service, headers: dict[str, str]) -> TestResponse:
    return service.client.post(URL, json=BODY, headers=headers)


@pytest.mark.parametrize(
    "headers",
    [
        AUTHORIZED,
        basic(API_KEY),
        basic(OTHER_API_KEY, user=""),
        basic(API_KEY, user="ü"),
        {"Authorization": f"bAsIc   {basic(API_KEY)['Authorization'][6:]}  "},
    ],
)
def test_a_key_is_the_password_for_any_user_name(shared: Service, headers: dict[str, str]) -> None:
    assert post(shared, headers).status_code == 200


def test_a_token_is_accepted_as_password_too(shared: Service) -> None:
    assert post(shared, basic(make_token())).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        basic(""),
        basic("wrong"),
        basic(f"{API_KEY} "),
        basic("x", user=API_KEY),
        bearer("wrong"),
        {"Authorization": "Basic"},
        {"Authorization": "Basic !"},
        {"Authorization": f"Basic {API_KEY}"},
        {"Authorization": "Basic " + base64.b64encode(b"no colon").decode()},
        {"Authorization": "Basic " + base64.b64encode(b"u:\xff").decode()},
        {"Authorization": f"Digest {API_KEY}"},
    ],
)
def test_other_credentials_are_asked_for_a_password(
    shared: Service, headers: dict[str, str]
) -> None:
    response = shared.client.post(URL, data=b"{", headers=headers)
    assert error_of(response, 401)["error"] == "unauthenticated"
    basic_challenge, bearer_challenge = response.headers.getlist("WWW-Authenticate")
    assert basic_challenge == 'Basic realm="ai-inference", charset="UTF-8"'
    assert bearer_challenge.split()[0] == "Bearer"


def test_a_missing_scope_is_a_403(shared: Service) -> None:
    response = post(shared, basic(make_token({"scope": "models:read"})))
    assert error_of(response, 403)["error"] == "insufficient_scope"


def test_basic_works_in_this_api_only(shared: Service) -> None:
    for path in ("/v1/models", "/openai/v1/models"):
        response = shared.client.get(path, headers=basic(API_KEY))
        assert response.status_code == 401
        assert response.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "method, path, status", [("GET", URL, 405), ("POST", "/sdapi/v1/interrogate", 404)]
)
def test_an_unknown_route_has_the_error_shape_of_that_api(
    shared: Service, method: str, path: str, status: int
) -> None:
    error_of(shared.client.open(path, method=method, headers=AUTHORIZED), status)


@pytest.mark.parametrize("path", ["/sdapi", "/sdapi/v10", "/sdapi/v1x/txt2img"])
def test_errors_of_other_routes_keep_their_own_shape(shared: Service, path: str) -> None:
    assert_problem(shared.client.get(path, headers=AUTHORIZED), 404, "not_found")
