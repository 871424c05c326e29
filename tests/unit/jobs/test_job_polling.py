import pytest

from application.job import JobStatus
from application.jobs.step_reports import _GLANCE_SECONDS
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
        views = bench.job_service.glances.unfinished("me")
        seen.append([(view.job.request.id, view.job.status) for view in views])

    bench.generator.on_begin = look
    while bench.statuses["a"] != "succeeded":
        bench.job_service.run_once()
    assert seen[0] == [("b", JobStatus.RUNNING), ("a", JobStatus.QUEUED)]
    assert seen[-1] == [("a", JobStatus.RUNNING)]
    assert bench.job_service.glances.unfinished("me") == ()


def test_a_waiting_job_has_its_position(bench: Bench) -> None:
    for name in ("a", "b"):
        bench.job_service.submit(request(name), caller="me")
    views = bench.job_service.glances.unfinished("me")
    assert [view.position for view in views] == [1, 2]


@pytest.mark.parametrize(
    "seconds, previews", [(0.0, 3), (_GLANCE_SECONDS - 0.1, 1), (_GLANCE_SECONDS, 0)]
)
def test_previews_are_made_for_some_seconds_after_a_poll(
    bench: Bench, seconds: float, previews: int
) -> None:
    bench.job_service.submit(request(), caller="me")
    glances = bench.job_service.glances
    seen = []

    class Clock:
        def __call__(self) -> float:
            if bench.generator.began.is_set():
                bench.clock.now += 0.6 if not seconds or bench.clock.now > glanced else seconds
            return bench.clock.now

    def glance(_requests: object) -> None:
        seen.append(glances.preview("me", "r1"))

    glanced = bench.clock.now
    bench.job_service._worker.clock = Clock()
    bench.generator.on_begin = glance
    bench.job_service.run_once()
    assert seen == [None]
    assert bench.generator.previews == previews


def test_a_poll_returns_the_newest_preview_and_none_of_a_finished_job(bench: Bench) -> None:
    bench.job_service.submit(request(), caller="me")
    glances = bench.job_service.glances
    seen = []

    class Clock:
        def __call__(self) -> float:
            bench.clock.now += 0.6
            seen.append(glances.preview("me", "r1"))
            return bench.clock.now

    bench.job_service._worker.clock = Clock()
    bench.job_service.run_once()
    assert seen[0] is None
    assert seen[-1] is not None
    assert seen[-1].startswith(b"\xff\xd8")
    assert glances.preview("me", "r1") is None
    assert glances.preview("you", "r1") is None
