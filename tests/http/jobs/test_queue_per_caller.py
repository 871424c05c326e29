"""MAX_QUEUE_PER_CALLER: one caller cannot shut out all others."""

import pytest
from werkzeug.test import TestResponse

from tests.http.conftest import (
    API_KEY,
    AUTHORIZED,
    OTHERS,
    Service,
    infer_body,
    make_service,
    make_settings,
)
from tests.http.helpers import assert_problem, bearer, key_name, make_token


@pytest.fixture
def service() -> Service:
    """Four jobs may wait, two of each caller; the worker draws when a test says so."""
    return make_service(make_settings(max_queue=4, max_queue_per_caller=2))


def submit(service: Service, headers: dict[str, str], **changes: object) -> TestResponse:
    return service.client.post("/v1/jobs", json=infer_body(**changes), headers=headers)


def fill(service: Service, headers: dict[str, str]) -> None:
    """Fill this caller's part of the queue."""
    for name in ("a", "b"):
        assert submit(service, headers, id=name).status_code == 202


def test_beyond_its_own_limit_a_caller_is_told_when_to_retry(service: Service) -> None:
    fill(service, AUTHORIZED)
    for path in ("/v1/jobs", "/v1/infer"):
        response = service.client.post(path, json=infer_body(), headers=AUTHORIZED)
        detail = assert_problem(response, 503, "queue_full")["detail"]
        assert detail.startswith("2 of your jobs are already waiting")
        assert int(response.headers["Retry-After"]) >= 1


def test_other_callers_are_accepted_while_one_is_refused(service: Service) -> None:
    fill(service, AUTHORIZED)
    fill(service, OTHERS)
    response = submit(service, OTHERS)
    assert assert_problem(response, 503, "queue_full")["detail"].startswith(
        "the queue is full: 4 jobs are already waiting"
    )


def test_tokens_of_one_key_share_its_limit(service: Service) -> None:
    fill(service, AUTHORIZED)
    token = bearer(make_token({"sub": key_name(API_KEY)}))
    assert_problem(submit(service, token), 503, "queue_full")


def test_a_caller_at_its_limit_leaves_the_service_ready(service: Service) -> None:
    fill(service, AUTHORIZED)
    assert service.client.get("/health/ready").get_json()["status"] == "ready"


def test_a_repeated_request_is_accepted(service: Service) -> None:
    fill(service, AUTHORIZED)
    assert submit(service, AUTHORIZED, id="a").status_code == 202


def test_without_a_limit_one_caller_leaves_a_quarter_of_the_queue() -> None:
    service = make_service(make_settings(max_queue=8))
    answers = [submit(service, AUTHORIZED) for _ in range(7)]
    assert [answer.status_code for answer in answers] == [202] * 6 + [503]
    assert_problem(answers[-1], 503, "queue_full")
    assert int(answers[-1].headers["Retry-After"]) >= 1
    assert submit(service, OTHERS).status_code == 202
    assert service.client.get("/health/ready").get_json()["status"] == "ready"


def test_the_limit_is_among_the_limits_of_the_service(service: Service) -> None:
    limits = service.client.get("/v1/system", headers=AUTHORIZED).get_json()["limits"]
    assert limits["max_queue_per_caller"] == 2
