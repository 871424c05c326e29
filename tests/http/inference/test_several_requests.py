"""A call that waits for the pictures of several requests."""

from collections.abc import Callable

import pytest

from adapters.http.generation.requests import NamedRequest
from adapters.http.generation.waiting import Places, WaitingCallers
from application.job import JobStatus
from application.jobs.live_job import Submission
from domain import errors
from domain.generation.any_request import AnyResult
from domain.generation.request import GenerationRequest
from tests.http.conftest import MODEL, Service

CALLER = "key:of-the-tests"


def wanted(*ids: str) -> list[NamedRequest]:
    return [
        NamedRequest(GenerationRequest(id=each, model_id=MODEL.id, prompt="p", seed=1), "")
        for each in ids
    ]


def callers(
    service: Service,
    wait: Callable[[Submission, float | None], AnyResult] = Submission.wait,
    places: int = 4,
) -> WaitingCallers:
    return WaitingCallers(service.container.job_service(), places=Places(places), wait=wait)


def test_the_pictures_come_in_the_order_of_the_requests(service: Service) -> None:
    results = callers(service).several(wanted("c", "a", "b"), caller=CALLER)
    assert [result.request.id for result in results] == ["c", "a", "b"]


def test_more_requests_than_the_queue_holds_are_drawn(service: Service) -> None:
    ids = [f"r{number}" for number in range(9)]
    results = callers(service).several(wanted(*ids), caller=CALLER)
    assert [result.request.id for result in results] == ids


def test_a_full_queue_of_other_jobs_is_refused(service: Service) -> None:
    service.generator.gate.clear()
    job_service = service.container.job_service()
    for each in wanted("x", "y", "z"):
        job_service.submit(each.request, caller="another")
        assert service.generator.began.wait(30)
    with pytest.raises(errors.QueueFull):
        callers(service).several(wanted("a", "b"), caller=CALLER)


def test_after_a_failure_the_rest_is_cancelled(service: Service) -> None:
    service.generator.gate.clear()

    def fail(submission: Submission, seconds: float | None) -> AnyResult:
        assert service.generator.began.wait(30)
        raise errors.GenerationFailed(submission.view.job.request.id)

    with pytest.raises(errors.GenerationFailed, match="a"):
        callers(service, fail).several(wanted("a", "b"), caller=CALLER)
    rest = service.container.job_service().find(CALLER, "b")
    assert rest.job.status is JobStatus.CANCELLED


def test_all_requests_hold_one_place(service: Service) -> None:
    taken = []

    def wait(submission: Submission, seconds: float | None) -> AnyResult:
        taken.append(draw.waiting)
        return submission.wait(seconds)

    draw = callers(service, wait, places=1)
    assert len(draw.several(wanted("a", "b"), caller=CALLER)) == 2
    assert taken == [1, 1]
    assert draw.waiting == 0


def test_a_caller_without_a_place_leaves_no_job(service: Service) -> None:
    with pytest.raises(errors.TooManyCallers):
        callers(service, places=0).several(wanted("a"), caller=CALLER)
    assert service.jobs.jobs == {}
