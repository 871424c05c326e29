"""Waiting callers hold threads, so their number is limited."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from domain.errors import DeadlineUnmet
from domain.generation.request import GenerationRequest
from tests.http.conftest import (
    AUTHORIZED,
    Service,
    infer_body,
    make_service,
    make_settings,
)
from tests.http.helpers import assert_problem, between_submit_and_wait


def infer(client: FlaskClient, body: dict[str, object], prefer: str = "") -> TestResponse:
    headers = AUTHORIZED | ({"Prefer": prefer} if prefer else {})
    return client.post("/v1/infer", json=body, headers=headers)


@pytest.fixture
def service() -> Service:
    """One slot, and a worker that draws when a test says so."""
    return make_service(make_settings(max_waiting=1, max_streams=1, max_queue=9))


def draw(service: Service) -> Callable[[], object]:
    return service.container.job_service().run_once


def beside_a_waiting_caller(
    service: Service, call: Callable[[FlaskClient], TestResponse]
) -> TestResponse:
    """Return the answer to `call` while another caller waits, who gets its picture then."""
    answers: list[TestResponse] = []
    calls: list[FlaskClient] = []

    def meanwhile() -> None:
        if not calls:
            calls.append(client.application.test_client())
            answers.append(call(calls[0]))
            draw(service)()

    client, waits = between_submit_and_wait(service, meanwhile)
    assert infer(client, infer_body(id="first")).status_code == 200
    assert waits[0] is None
    (answer,) = answers
    return answer


@pytest.mark.parametrize("prefer, seconds", [("wait=7", 7), ("respond-async, wait=7", 7)])
def test_a_wait_past_the_timeout_ends_with_the_job_which_continues(
    service: Service, prefer: str, seconds: int
) -> None:
    client, waits = between_submit_and_wait(service, lambda: None)
    body = infer_body(id="slow")
    response = infer(client, body, prefer)
    assert (response.status_code, response.headers["Location"]) == (202, "/v1/jobs/slow")
    assert response.headers["Preference-Applied"] == prefer
    assert waits == [seconds]
    draw(service)()
    assert infer(client, body).status_code == 200


def test_a_cancelled_job_is_a_conflict_for_its_waiting_client(service: Service) -> None:
    headers = AUTHORIZED

    def cancel() -> None:
        assert service.client.delete("/v1/jobs/gone", headers=headers).status_code == 200

    client, _ = between_submit_and_wait(service, cancel)
    assert_problem(infer(client, infer_body(id="gone")), 409, "cancelled")


def test_a_stopping_service_answers_waiting_clients(service: Service) -> None:
    client, _ = between_submit_and_wait(service, service.container.job_service().abandon)
    response = infer(client, infer_body())
    assert_problem(response, 503, "shutting_down")
    assert int(response.headers["Retry-After"]) >= 1


def test_a_deadline_is_passed_on_and_a_refusal_leaves_no_job(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[float | None] = []

    def submit(
        request: GenerationRequest, *, caller: str, within: float | None, **names: object
    ) -> None:
        asked.append(within)
        raise DeadlineUnmet(within=within or 0, predicted=60)

    monkeypatch.setattr(service.container.job_service(), "submit", submit)
    response = infer(service.client, infer_body(), "wait=5, handling=strict")
    detail = assert_problem(response, 503, "deadline_unmet")["detail"]
    assert "60.0 s" in detail
    assert int(response.headers["Retry-After"]) >= 1
    infer(service.client, infer_body(), "wait=5")
    infer(service.client, infer_body(), "handling=strict")
    assert asked == [5, None, None]


def test_without_a_free_slot_a_caller_is_refused_and_leaves_no_job(service: Service) -> None:
    body = infer_body(id="second")
    answer = beside_a_waiting_caller(service, lambda client: infer(client, body))
    assert_problem(answer, 503, "too_many_callers")
    assert int(answer.headers["Retry-After"]) >= 1
    assert [job.request.id for job in service.jobs.jobs.values()] == ["first"]


@pytest.mark.parametrize("prefer", ["respond-async", "wait=0", "wait=60", "wait=60, respond-async"])
def test_without_a_free_slot_an_async_caller_gets_the_job_at_once(
    service: Service, prefer: str
) -> None:
    body = infer_body(id="second")
    answer = beside_a_waiting_caller(service, lambda client: infer(client, body, prefer))
    assert (answer.status_code, answer.headers["Location"]) == (202, "/v1/jobs/second")
    assert answer.get_json()["status"] == "queued"


@pytest.mark.parametrize("prefer", ["", "wait=60", "respond-async"])
def test_without_a_free_slot_a_finished_request_is_still_answered(
    service: Service, prefer: str
) -> None:
    body = infer_body(id="done")
    client, _ = between_submit_and_wait(service, draw(service))
    first = infer(client, body)
    answer = beside_a_waiting_caller(service, lambda client: infer(client, body, prefer))
    assert (answer.status_code, answer.data) == (200, first.data)


def test_without_a_free_slot_a_request_for_lost_pictures_can_be_repeated(service: Service) -> None:
    body = infer_body(id="lost", seed=1)
    client, _ = between_submit_and_wait(service, draw(service))
    first = infer(client, body)

    def ask(client: FlaskClient) -> TestResponse:
        service.results.files.clear()
        return infer(client, body)

    assert_problem(beside_a_waiting_caller(service, ask), 503, "too_many_callers")
    draw(service)()
    assert infer(service.client, body).get_json()["images"] == first.get_json()["images"]


def test_a_slot_is_free_again_however_the_call_ended(service: Service) -> None:
    client, _ = between_submit_and_wait(service, draw(service))
    for failure in (RuntimeError("a bug"), TimeoutError("a library's")):
        service.generator.failures.append(failure)
        assert_problem(infer(client, infer_body()), 500, "internal_error")
    assert infer(client, infer_body(model_id="0" * 64)).status_code == 404
    assert infer(client, infer_body()).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/v1", "/health", "/v1/health", "/health/ready", "/v1/models", "/v1/jobs"),
        "/metrics",
    ],
)
def test_all_other_routes_answer_while_every_slot_is_taken(service: Service, path: str) -> None:
    def call(client: FlaskClient) -> TestResponse:
        with client.get("/v1/jobs/first/events", headers=AUTHORIZED) as stream:
            assert stream.status_code == 200
            refused = client.get("/v1/jobs/first/events", headers=AUTHORIZED)
            assert_problem(refused, 503, "too_many_callers")
            return client.get(path, headers=AUTHORIZED)

    assert beside_a_waiting_caller(service, call).status_code == 200
