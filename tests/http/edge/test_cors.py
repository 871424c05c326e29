"""Cross-origin requests, HEAD and OPTIONS."""

import pytest
from werkzeug.test import TestResponse

from tests.http.conftest import AUTHORIZED, Service, make_service, make_settings

ORIGIN = "https://app.example"
PREFLIGHT = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization, content-type, x-request-id",
}


def words(header: str) -> set[str]:
    return {word.strip().lower() for word in header.split(",")}


def allowed_origin(response: TestResponse) -> list[str]:
    assert "Access-Control-Allow-Credentials" not in response.headers
    return response.headers.getlist("Access-Control-Allow-Origin")


@pytest.fixture(scope="module")
def restricted() -> Service:
    origins = (ORIGIN, "http://localhost:3000", "http://[::1]:3000")
    return make_service(make_settings(cors_origins=origins))


@pytest.mark.parametrize("path, status", [("/", 200), ("/v1/models", 401), ("/nope", 404)])
@pytest.mark.parametrize("origin", [ORIGIN, "null", "http://localhost:5173"])
def test_by_default_every_origin_may_read_every_answer(
    shared: Service, path: str, status: int, origin: str
) -> None:
    response = shared.client.get(path, headers={"Origin": origin})
    assert response.status_code == status
    assert allowed_origin(response) == ["*"]


def test_a_star_beside_origins_is_a_star() -> None:
    service = make_service(make_settings(cors_origins=(ORIGIN, "*")))
    response = service.client.get("/", headers={"Origin": "https://other.example"})
    assert allowed_origin(response) == ["*"]


@pytest.mark.parametrize("path", ["/", "/v1/models", "/nope"])
@pytest.mark.parametrize("cors_origins", [("*",), (ORIGIN,)])
def test_scripts_may_read_the_headers_they_need(cors_origins: tuple[str, ...], path: str) -> None:
    service = make_service(make_settings(cors_origins=cors_origins))
    response = service.client.get(path, headers={"Origin": ORIGIN})
    exposed = words(response.headers["Access-Control-Expose-Headers"])
    assert exposed >= {"x-request-id", "location", "retry-after", "preference-applied"}


@pytest.mark.parametrize("origin", [ORIGIN, "http://localhost:3000", "http://[::1]:3000"])
def test_a_configured_origin_is_named(restricted: Service, origin: str) -> None:
    response = restricted.client.get("/", headers={"Origin": origin})
    assert allowed_origin(response) == [origin]
    assert {"origin", "accept"} <= words(",".join(response.headers.getlist("Vary")))


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "https://app.example.evil",
        "https://evil.example",
        "https://app_example",
        "http://app.example",
        "https://app.example:444",
        "https://sub.app.example",
        "http://::3000",
        "*",
    ],
)
def test_another_origin_is_not_allowed(restricted: Service, origin: str) -> None:
    response = restricted.client.get("/", headers={"Origin": origin})
    assert response.status_code == 200
    assert allowed_origin(response) == []
    preflight = restricted.client.options("/v1/infer", headers=PREFLIGHT | {"Origin": origin})
    assert allowed_origin(preflight) == []


@pytest.mark.parametrize("path", ["/v1/infer", "/infer", "/v1/tokens", "/v1/jobs"])
@pytest.mark.parametrize("cors_origins, answer", [(("*",), "*"), ((ORIGIN,), ORIGIN)])
def test_a_preflight_needs_no_credential(
    cors_origins: tuple[str, ...], answer: str, path: str
) -> None:
    service = make_service(make_settings(cors_origins=cors_origins))
    response = service.client.options(path, headers=PREFLIGHT | {"Origin": ORIGIN})
    assert response.status_code in (200, 204)
    assert allowed_origin(response) == [answer]
    assert "post" in words(response.headers["Access-Control-Allow-Methods"])
    asked = words(PREFLIGHT["Access-Control-Request-Headers"])
    assert asked <= words(response.headers["Access-Control-Allow-Headers"])
    assert response.headers["X-Request-ID"]


@pytest.mark.parametrize(
    "path, methods",
    [
        ("/", {"get", "head", "options"}),
        ("/v1", {"get", "head", "options"}),
        ("/health", {"get", "head", "options"}),
        ("/v1/health", {"get", "head", "options"}),
        ("/health/ready", {"get", "head", "options"}),
        ("/v1/models", {"get", "head", "options"}),
        ("/v1/models/abc", {"get", "head", "options"}),
        ("/infer", {"post", "options"}),
        ("/v1/infer", {"post", "options"}),
        ("/v1/tokens", {"post", "options"}),
        ("/v1/jobs", {"get", "head", "post", "options"}),
        ("/v1/jobs/abc", {"get", "head", "delete", "options"}),
        ("/v1/jobs/abc/images/0", {"get", "head", "options"}),
        ("/v1/jobs/abc/events", {"get", "head", "options"}),
    ],
)
def test_options_lists_the_methods(shared: Service, path: str, methods: set[str]) -> None:
    response = shared.client.options(path)
    assert response.status_code in (200, 204)
    assert response.data == b""
    assert words(response.headers["Allow"]) == methods


@pytest.mark.parametrize(
    "path",
    ["/", "/v1", "/health", "/v1/health", "/health/ready", "/v1/models", "/v1/jobs", "/nope"],
)
@pytest.mark.parametrize("accept", ["application/json", "text/html"])
def test_head_is_get_without_the_body(shared: Service, path: str, accept: str) -> None:
    headers = AUTHORIZED | {"Accept": accept, "X-Request-ID": "same"}
    with (
        shared.client.get(path, headers=headers) as got,
        shared.client.head(path, headers=headers) as head,
    ):
        assert got.data
        assert head.data == b""
        assert head.status_code == got.status_code
        named = ("Content-Type", "Content-Length", "Vary", "X-Request-ID")
        assert [head.headers.get(n) for n in named] == [got.headers.get(n) for n in named]


def test_head_needs_the_credential_that_get_needs(shared: Service) -> None:
    assert shared.client.head("/v1/models").status_code == 401
