"""One caller's jobs leave room in the queue for those of others."""

import pytest

from application.job import JobStatus
from domain.errors import QueueFull
from tests.unit.jobs.scheduling import Bench, request


@pytest.fixture
def bench() -> Bench:
    """A job service over fakes; four jobs may wait, two of each caller."""
    return Bench(max_queue=4, max_queue_per_caller=2)


def fill(bench: Bench, caller: str) -> None:
    """Fill this caller's part of the queue."""
    for name in ("a", "b"):
        bench.job_service.submit(request(name), caller=caller)


def test_beyond_its_own_limit_a_caller_is_refused_and_others_are_not(bench: Bench) -> None:
    fill(bench, "me")
    with pytest.raises(QueueFull) as caught:
        bench.job_service.submit(request("c"), caller="me")
    assert caught.value.retry_after >= 1
    assert "c" not in bench.statuses
    assert not bench.job_service.full
    fill(bench, "they")
    assert bench.job_service.waiting == 4


def test_the_refusal_names_the_limit_that_was_reached(bench: Bench) -> None:
    fill(bench, "me")
    with pytest.raises(QueueFull, match="2 jobs of this caller are already waiting"):
        bench.job_service.submit(request("c"), caller="me")
    fill(bench, "they")
    for caller in ("me", "somebody"):
        with pytest.raises(QueueFull, match=r"^the queue is full: 4 jobs are already waiting"):
            bench.job_service.submit(request("c"), caller=caller)


def test_a_drawn_or_cancelled_job_frees_its_slot(bench: Bench) -> None:
    fill(bench, "me")
    bench.job_service.run_once()
    bench.job_service.submit(request("c"), caller="me")
    bench.job_service.cancel("me", "c")
    bench.job_service.submit(request("d"), caller="me")
    with pytest.raises(QueueFull):
        bench.job_service.submit(request("e"), caller="me")


def test_a_running_job_does_not_count_for_its_caller(bench: Bench) -> None:
    with bench.worker():
        bench.generator.gate.clear()
        bench.job_service.submit(request("running"), caller="me")
        assert bench.generator.began.wait(10)
        fill(bench, "me")
        with pytest.raises(QueueFull):
            bench.job_service.submit(request("c"), caller="me")


def test_a_replay_and_a_join_pass_the_limit_of_a_caller(bench: Bench) -> None:
    done = bench.job_service.submit(request("done"), caller="me")
    bench.job_service.run_once()
    fill(bench, "me")
    assert bench.job_service.submit(request("done"), caller="me").wait(0) == done.wait(0)
    joined = bench.job_service.submit(request("a"), caller="me")
    assert joined.view.job.status is JobStatus.QUEUED


def test_jobs_of_an_earlier_process_count_and_are_drawn(bench: Bench) -> None:
    fill(bench, "me")
    bench.restart()
    bench.job_service.recover()
    with pytest.raises(QueueFull):
        bench.job_service.submit(request("c"), caller="me")
    assert bench.job_service.waiting == 2


def test_without_its_own_limit_a_caller_may_fill_the_queue() -> None:
    bench = Bench(max_queue=4)
    for name in ("a", "b", "c", "d"):
        bench.job_service.submit(request(name), caller="me")
    assert bench.job_service.full
