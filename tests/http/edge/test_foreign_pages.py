"""Requests that a page of another site makes a browser send."""

import base64

import pytest

from tests.http.conftest import (
    API_KEY,
    AUTHORIZED,
    Service,
    infer_body,
    make_service,
    make_settings,
)
from tests.http.helpers import assert_problem

HOST = "service.example:8000"
BASIC = {"Authorization": "Basic " + base64.b64encode(f"me:{API_KEY}".encode()).decode()}
FOREIGN = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "https://other.example"},
    {"Sec-Fetch-Site": "cross-site", "Origin": f"http://{HOST}"},
    {"Origin": "https://other.example"},
    {"Origin": "http://service.example:8001"},
    {"Origin": "http://service.example"},
    {"Origin": "null"},
]
OWN = [
    {},
    {"Sec-Fetch-Site": "none"},
    {"Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "same-origin", "Origin": "https://proxy.example"},
    {"Origin": f"http://{HOST}"},
    {"Origin": f"https://{HOST}"},
]
CHANGING = [
    ("POST", "/sdapi/v1/interrupt"),
    ("POST", "/sdapi/v1/options"),
    ("POST", "/sdapi/v1/txt2img"),
    ("POST", "/v1/jobs"),
    ("DELETE", "/v1/jobs/a"),
    ("POST", "/nothing/here"),
]


@pytest.fixture(scope="module")
def service() -> Service:
    return make_service(make_settings(cors_origins=("*",)))


@pytest.mark.parametrize("headers", FOREIGN)
@pytest.mark.parametrize("method, path", CHANGING)
def test_a_stored_password_does_nothing_for_a_foreign_page(
    service: Service, method: str, path: str, headers: dict[str, str]
) -> None:
    sent = {"Host": HOST} | BASIC | headers
    response = service.client.open(path, method=method, headers=sent)
    assert response.status_code == 403
    assert "foreign_page" in response.text
    assert not service.jobs.jobs


@pytest.mark.parametrize("headers", OWN)
def test_our_own_page_and_every_other_client_are_allowed(
    service: Service, headers: dict[str, str]
) -> None:
    sent = {"Host": HOST} | BASIC | headers
    response = service.client.post("/sdapi/v1/interrupt", headers=sent)
    assert response.status_code == 200


@pytest.mark.parametrize("headers", FOREIGN)
def test_reading_is_left_to_the_cors_policy(service: Service, headers: dict[str, str]) -> None:
    response = service.client.get("/sdapi/v1/progress", headers={"Host": HOST} | BASIC | headers)
    assert response.status_code == 200


@pytest.mark.parametrize("headers", FOREIGN)
def test_a_page_that_sends_a_token_is_allowed(headers: dict[str, str]) -> None:
    service = make_service(make_settings(cors_origins=("*",)))
    sent = {"Host": HOST} | AUTHORIZED | headers
    assert service.client.post("/v1/jobs", json=infer_body(), headers=sent).status_code == 202


def test_with_configured_origins_only_those_are_allowed() -> None:
    service = make_service(make_settings(cors_origins=("https://Friend.example",)))
    for credential in (BASIC, AUTHORIZED):
        for origin, status in (("https://friend.example", 200), ("https://foe.example", 403)):
            headers = {"Host": HOST, "Origin": origin, "Sec-Fetch-Site": "cross-site"} | credential
            response = service.client.post("/sdapi/v1/interrupt", headers=headers)
            assert response.status_code == status


def test_the_refusal_is_a_problem_that_names_the_remedy(service: Service) -> None:
    headers = {"Origin": "https://other.example"} | BASIC
    response = service.client.post("/v1/jobs", json=infer_body(), headers=headers)
    assert "CORS_ORIGINS" in assert_problem(response, 403, "foreign_page")["detail"]
