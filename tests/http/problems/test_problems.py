"""Errors: all have one shape, and none reveals internals."""

import logging

import pytest

from tests.http.conftest import AUTHORIZED, Service, infer_body
from tests.http.helpers import assert_problem

SECRET = "psst-/root/secret-path"


@pytest.mark.parametrize("path", ["/nope", "/v1/nope", "/v1/models/", "/V1/models", "/%00", "/%ff"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS"])
def test_an_unknown_route_is_a_problem(shared: Service, method: str, path: str) -> None:
    assert_problem(shared.client.open(path, method=method), 404, "not_found")


@pytest.mark.parametrize("path", ["../app.py", "..%2fapp.py", "%2e%2e/app.py", "nope.css", ""])
def test_files_other_than_assets_are_not_served(shared: Service, path: str) -> None:
    assert_problem(shared.client.get(f"/assets-0123/{path}"), 404, "not_found")


@pytest.mark.parametrize(
    "method, path, allowed",
    [
        ("POST", "/", {"GET", "HEAD", "OPTIONS"}),
        ("DELETE", "/health", {"GET", "HEAD", "OPTIONS"}),
        ("PUT", "/v1/models", {"GET", "HEAD", "OPTIONS"}),
        ("GET", "/v1/infer", {"POST", "OPTIONS"}),
        ("GET", "/infer", {"POST", "OPTIONS"}),
        ("PATCH", "/v1/tokens", {"POST", "OPTIONS"}),
        ("BREW", "/v1/tokens", {"POST", "OPTIONS"}),
        ("TRACE", "/", {"GET", "HEAD", "OPTIONS"}),
    ],
)
def test_an_unknown_method_is_a_problem_that_names_the_allowed_ones(
    shared: Service, method: str, path: str, allowed: set[str]
) -> None:
    response = shared.client.open(path, method=method)
    assert_problem(response, 405, "method_not_allowed")
    assert {name.strip() for name in response.headers["Allow"].split(",")} == allowed


class Unprintable(Exception):
    def __str__(self) -> str:
        raise ValueError(SECRET)


def chained() -> Exception:
    try:
        try:
            raise OSError(13, "denied", SECRET)
        except OSError as error:
            raise RuntimeError(SECRET) from error
    except RuntimeError as error:
        return error


@pytest.mark.parametrize(
    "failure",
    [
        RuntimeError(SECRET),
        ValueError(SECRET),
        KeyError(SECRET),
        TypeError(SECRET),
        MemoryError(SECRET),
        RecursionError(SECRET),
        AssertionError(SECRET),
        FileNotFoundError(2, "missing", SECRET),
        UnicodeDecodeError("utf-8", b"x", 0, 1, SECRET),
        Unprintable(),
        chained(),
    ],
    ids=lambda failure: type(failure).__name__,
)
def test_an_unexpected_exception_is_a_500_that_reveals_nothing(
    shared: Service, failure: Exception
) -> None:
    shared.generator.drawn.clear()
    shared.generator.failures.append(failure)
    response = shared.client.post("/v1/infer", json=infer_body(), headers=AUTHORIZED)
    detail = assert_problem(response, 500, "internal_error")["detail"]
    assert "request_id" in detail
    assert "psst" not in response.get_data(as_text=True)
    assert type(failure).__name__ not in response.get_data(as_text=True)
    assert shared.generator.drawn == []
    again = shared.client.post("/v1/infer", json=infer_body(), headers=AUTHORIZED)
    assert again.status_code == 200


def test_an_error_outside_any_use_case_is_a_500_too(service: Service) -> None:
    def broken() -> None:
        raise RuntimeError(SECRET)

    service.container.app().before_request_funcs.setdefault("public", []).append(broken)
    response = service.client.get("/v1")
    assert_problem(response, 500, "internal_error")
    assert "psst" not in response.get_data(as_text=True)


def test_the_log_has_the_cause_of_a_500_under_its_request_id(
    shared: Service, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    shared.generator.failures.append(RuntimeError("the device caught fire"))
    headers = AUTHORIZED | {"X-Request-ID": "find-me"}
    shared.client.post("/v1/infer", json=infer_body(), headers=headers)
    causes = [
        record
        for record in caplog.records
        if record.exc_info and "find-me" in record.getMessage() and record.levelname == "ERROR"
    ]
    assert [str(record.exc_info[1]) for record in causes if record.exc_info] == [
        "the device caught fire"
    ]
