"""Which credentials are accepted, and what other callers are told."""

from collections.abc import Callable

import pytest
from werkzeug.test import TestResponse

from application.settings.settings import Settings
from tests.http.conftest import (
    API_KEY,
    AUTHORIZED,
    MODEL,
    OTHER_API_KEY,
    Service,
    infer_body,
    make_service,
    make_settings,
)
from tests.http.helpers import assert_problem, bearer, make_token

PROTECTED = [
    ("GET", "/v1/models"),
    ("HEAD", "/v1/models"),
    ("GET", f"/v1/models/{MODEL.id}"),
    ("GET", "/v1/system"),
    ("POST", "/v1/infer"),
    ("POST", "/v1/jobs"),
    ("GET", "/v1/jobs"),
    ("GET", "/v1/jobs/abc"),
    ("DELETE", "/v1/jobs/abc"),
    ("GET", "/v1/jobs/abc/images/0"),
    ("GET", "/v1/jobs/abc/events"),
    ("POST", "/infer"),
    ("POST", "/v1/tokens"),
]


@pytest.fixture(autouse=True)
def nothing_drawn_yet(shared: Service) -> None:
    shared.generator.drawn.clear()


def assert_refused(response: TestResponse, *, challenge: str) -> None:
    assert response.headers.getlist("WWW-Authenticate") == [challenge]
    if response.request.method == "HEAD":
        assert response.status_code == 401
    else:
        assert_problem(response, 401, "unauthenticated")


@pytest.mark.parametrize("credential", [lambda: API_KEY, lambda: OTHER_API_KEY, make_token])
@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEaReR"])
def test_both_kinds_of_credential_pass_with_any_case_of_the_scheme(
    shared: Service, scheme: str, credential: Callable[[], str]
) -> None:
    headers = {"Authorization": f"{scheme} {credential()}"}
    assert shared.client.get("/v1/models", headers=headers).status_code == 200
    response = shared.client.post("/v1/infer", headers=headers, json=infer_body())
    assert response.status_code == 200


def test_spaces_around_the_credential_are_ignored(shared: Service) -> None:
    headers = {"Authorization": f"  Bearer   {API_KEY}  "}
    assert shared.client.get("/v1/models", headers=headers).status_code == 200


@pytest.mark.parametrize("method, path", PROTECTED)
@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        f"Basic {API_KEY}",
        f"Token {API_KEY}",
        f"Bearer{API_KEY}",
        f"Bearer:{API_KEY}",
        API_KEY,
    ],
)
def test_a_missing_credential_is_challenged(
    shared: Service, method: str, path: str, authorization: str | None
) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    response = shared.client.open(path, method=method, headers=headers)
    assert_refused(response, challenge="Bearer")


@pytest.mark.parametrize("method, path", PROTECTED)
@pytest.mark.parametrize(
    "credential",
    [
        "wrong",
        API_KEY[:-1],
        API_KEY + "x",
        API_KEY.upper(),
        f"{API_KEY},{OTHER_API_KEY}",
        f"{API_KEY} {OTHER_API_KEY}",
        "é",
        "a.b.c",
        "x" * 5000,
        make_token(key="another-secret-of-the-same-length"),
    ],
)
def test_a_wrong_credential_is_an_invalid_token(
    shared: Service, method: str, path: str, credential: str
) -> None:
    response = shared.client.open(path, method=method, headers=bearer(credential))
    assert_refused(response, challenge='Bearer error="invalid_token"')


def test_the_answer_never_says_which_part_was_wrong(shared: Service) -> None:
    credentials = (
        "wrong",
        make_token({"exp": 1}),
        make_token(without="sub"),
        make_token(key="another-secret-of-the-same-length"),
    )
    answers = []
    for credential in credentials:
        headers = bearer(credential) | {"X-Request-ID": "same"}
        response = shared.client.get("/v1/models", headers=headers)
        answers.append((response.data, response.headers["WWW-Authenticate"]))
    assert len(set(answers)) == 1


@pytest.mark.parametrize("path", ["/v1/infer", "/infer", "/v1/tokens"])
@pytest.mark.parametrize("headers", [{}, bearer("wrong")])
@pytest.mark.parametrize(
    "body, content_type",
    [
        (b"{", "application/json"),
        (b"\xff", "application/json"),
        (b"{}", "text/plain"),
        (b"[]", "application/json"),
        (b'{"unknown": 1}', "application/json"),
        (b"x" * (2**20 + 1), "application/json"),
    ],
)
def test_401_comes_before_the_body_is_checked(
    shared: Service, path: str, headers: dict[str, str], body: bytes, content_type: str
) -> None:
    response = shared.client.post(path, data=body, content_type=content_type, headers=headers)
    assert_problem(response, 401, "unauthenticated")
    assert shared.generator.drawn == []


def test_401_comes_before_a_model_is_looked_up(shared: Service) -> None:
    response = shared.client.get(f"/v1/models/{'0' * 64}", headers=bearer("wrong"))
    assert_problem(response, 401, "unauthenticated")


@pytest.mark.parametrize(
    "scope, reads, draws",
    [
        ("models:read", True, False),
        ("inference:run", False, True),
        ("models:read inference:run", True, True),
        ("inference:run models:read", True, True),
        ("  models:read   models:read ", True, False),
        ("models:read unknown:right", True, False),
        ("unknown:right", False, False),
        ("", False, False),
        ("models:read,inference:run", False, False),
        ("MODELS:READ", False, False),
        ("models", False, False),
    ],
)
def test_a_scope_opens_only_its_own_routes(
    shared: Service, scope: str, reads: bool, draws: bool
) -> None:
    headers = bearer(make_token({"scope": scope}))
    for path in ("/v1/models", f"/v1/models/{MODEL.id}", "/v1/system"):
        response = shared.client.get(path, headers=headers)
        if reads:
            assert response.status_code == 200
        else:
            assert "models:read" in assert_problem(response, 403, "insufficient_scope")["detail"]
    for path in ("/v1/infer", "/infer"):
        response = shared.client.post(path, headers=headers, json=infer_body())
        if draws:
            assert response.status_code == 200
        else:
            assert "inference:run" in assert_problem(response, 403, "insufficient_scope")["detail"]
    assert len(shared.generator.drawn) == (2 if draws else 0)


def test_a_token_without_a_scope_has_both(shared: Service) -> None:
    headers = bearer(make_token(without="scope"))
    assert shared.client.get("/v1/models", headers=headers).status_code == 200
    assert shared.client.post("/v1/infer", headers=headers, json=infer_body()).status_code == 200


def test_403_comes_before_the_body_is_checked(shared: Service) -> None:
    headers = bearer(make_token({"scope": "models:read"}))
    response = shared.client.post("/v1/infer", headers=headers, data=b"{")
    assert_problem(response, 403, "insufficient_scope")


def test_keys_are_split_at_commas_without_spaces_and_empty_keys() -> None:
    settings = Settings.from_env({"API_KEYS": " one , ,two,, "})
    client = make_service(settings).client
    for key, status in {"one": 200, "two": 200, "one , ,two": 401, ",": 401, "": 401}.items():
        assert client.get("/v1/models", headers=bearer(key)).status_code == status


def test_without_any_key_nobody_is_admitted() -> None:
    client = make_service(make_settings(api_keys=(), secret_key=None)).client
    assert_problem(client.get("/v1/models"), 401, "unauthenticated")
    for credential in (API_KEY, "", "None", make_token(), make_token(key="")):
        response = client.get("/v1/models", headers=bearer(credential))
        assert_problem(response, 401, "unauthenticated")


def test_without_a_secret_key_tokens_are_refused_and_keys_are_not() -> None:
    client = make_service(make_settings(secret_key=None)).client
    for token in (make_token(), make_token(key=""), make_token(key="None")):
        assert client.get("/v1/models", headers=bearer(token)).status_code == 401
    assert client.get("/v1/models", headers=AUTHORIZED).status_code == 200
