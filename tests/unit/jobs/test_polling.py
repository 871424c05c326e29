import pytest

from application.job import JobStatus
from application.jobs.step_reports import _POLLED_SECONDS
from tests.unit.jobs.scheduling import Bench, request


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_unfinished_jobs_are_the_callers_own_oldest_first(bench: Bench) -> None:
    for name in ("b", "a"):
        bench.job_service.submit(request(name), caller="me")
    bench.job_service.submit(request("c"), caller="you")
    seen = []

    def look(_requests: object) -> None:
        views = bench.job_service.unfinished("me")
        seen.append([(view.job.request.id, view.job.status) for view in views])

    bench.generator.on_begin = look
    while bench.statuses["a"] != "succeeded":
        bench.job_service.run_once()
    assert seen[0] == [("b", JobStatus.RUNNING), ("a", JobStatus.QUEUED)]
    assert seen[-1] == [("a", JobStatus.RUNNING)]
    assert bench.job_service.unfinished("me") == ()


def test_a_waiting_job_has_its_position(bench: Bench) -> None:
    for name in ("a", "b"):
        bench.job_service.submit(request(name), caller="me")
    views = bench.job_service.unfinished("me")
    assert [view.position for view in views] == [1, 2]


@pytest.mark.parametrize(
    "seconds, previews", [(0.0, 3), (_POLLED_SECONDS - 0.1, 1), (_POLLED_SECONDS, 0)]
)
def test_previews_are_made_for_some_seconds_after_a_poll(
    bench: Bench, seconds: float, previews: int
) -> None:
    bench.job_service.submit(request(), caller="me")
    seen = []

    asked_at = bench.clock.now

    def step() -> None:
        bench.clock.now += 0.6 if not seconds or bench.clock.now > asked_at else seconds

    def ask(_requests: object) -> None:
        seen.append(bench.job_service.preview("me", "r1"))
        bench.on_clock = step

    bench.generator.on_begin = ask
    bench.job_service.run_once()
    assert seen == [None]
    assert bench.generator.previews == previews


def test_a_poll_returns_the_newest_preview_and_none_of_a_finished_job(bench: Bench) -> None:
    bench.job_service.submit(request(), caller="me")
    seen = []

    def step() -> None:
        bench.on_clock = lambda: None
        bench.clock.now += 0.6
        seen.append(bench.job_service.preview("me", "r1"))
        bench.on_clock = step

    bench.on_clock = step
    bench.job_service.run_once()
    assert seen[0] is None
    assert seen[-1] is not None
    assert seen[-1].startswith(b"\xff\xd8")
    assert bench.job_service.preview("me", "r1") is None
    assert bench.job_service.preview("you", "r1") is None
