"""How jobs end, or wait for the next process: cancelled, drained, abandoned."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from application.job import JobStatus
from domain.errors import (
    GenerationFailed,
    JobCancelled,
    JobNotFound,
    ShuttingDown,
)
from tests.unit.jobs.scheduling import Bench, request


def stop(bench: Bench) -> None:
    """Do what the service does at the end of its grace period."""
    bench.job_service.abandon()
    bench.job_service.put_back()


def test_a_waiting_job_is_cancelled_at_once_and_affects_no_other(bench: Bench) -> None:
    cancelled = bench.job_service.submit(request("cancelled"), caller="me")
    good = bench.job_service.submit(request("good"), caller="me")
    assert bench.job_service.cancel("me", "cancelled").job.status is JobStatus.CANCELLED
    with pytest.raises(JobCancelled):
        cancelled.wait(0)
    bench.job_service.run_once()
    assert good.wait(0).request.id == "good"
    assert [drawn.id for drawn in bench.generator.drawn] == ["good"]
    assert bench.statuses == {"cancelled": "cancelled", "good": "succeeded"}


def test_a_running_job_stops_before_its_next_step(bench: Bench) -> None:
    running = bench.job_service.submit(request(), caller="me")

    def cancel(_requests: object) -> None:
        assert bench.job_service.cancel("me", "r1").job.status is JobStatus.RUNNING

    bench.generator.on_begin = cancel
    bench.job_service.run_once()
    with pytest.raises(JobCancelled):
        running.wait(0)
    assert bench.generator.drawn == []
    assert bench.statuses == {"r1": "cancelled"}


def test_a_finished_job_is_not_cancelled(bench: Bench) -> None:
    done = bench.job_service.submit(request(), caller="me")
    bench.job_service.run_once()
    assert bench.job_service.cancel("me", "r1").job.status is JobStatus.SUCCEEDED
    assert done.wait(0)
    with pytest.raises(JobNotFound):
        bench.job_service.cancel("me", "other")


def test_ending_a_wait_cancels_nothing(bench: Bench) -> None:
    job = bench.job_service.submit(request(), caller="me")
    with pytest.raises(TimeoutError):
        job.wait(0)
    bench.job_service.run_once()
    assert job.wait(0)


def test_draining_draws_the_queue_and_accepts_nothing(bench: Bench) -> None:
    outcome = bench.job_service.submit(request(), caller="me")
    bench.job_service.drain()
    with pytest.raises(ShuttingDown):
        bench.job_service.submit(request("late"), caller="me")
    bench.job_service.run_forever()
    assert outcome.wait(0).request.id == "r1"
    assert bench.job_service.submit(request(), caller="me").wait(0) == outcome.wait(0)


def test_abandoned_jobs_are_drawn_after_the_restart(bench: Bench) -> None:
    running = bench.job_service.submit(request("running"), caller="me")
    waiting = bench.job_service.submit(request("waiting"), caller="me")
    bench.generator.on_begin = lambda _requests: stop(bench)
    bench.job_service.run_once()
    for job in (running, waiting):
        with pytest.raises(ShuttingDown):
            job.wait(0)
    assert bench.generator.drawn == []
    bench.generator.on_begin = lambda _requests: None
    bench.restart()
    bench.job_service.recover()
    assert bench.job_service.find("me", "running").position == 1
    bench.job_service.run_once()
    bench.job_service.run_once()
    assert bench.statuses == {"running": "succeeded", "waiting": "succeeded"}


def test_jobs_that_fail_because_the_process_ends_are_drawn_after_the_restart(bench: Bench) -> None:
    bench.job_service.submit(request(), caller="me")
    bench.generator.failures = [GenerationFailed("no thread can be started at shutdown")]
    bench.generator.on_begin = lambda _requests: bench.job_service.abandon()
    bench.job_service.run_once()
    assert bench.statuses == {"r1": "running"}
    bench.generator.on_begin = lambda _requests: None
    bench.restart()
    bench.job_service.recover()
    bench.job_service.run_once()
    assert bench.statuses == {"r1": "succeeded"}


def test_a_result_at_the_end_of_the_process_is_stored(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def submit(*_anything: object) -> None:
        raise RuntimeError("cannot schedule new futures after interpreter shutdown")

    monkeypatch.setattr(ThreadPoolExecutor, "submit", submit)
    bench.generator.after_step = lambda step: (
        bench.job_service.abandon() if step.done == step.total else None
    )
    bench.job_service.submit(request(), caller="me")
    bench.job_service.run_forever()
    assert bench.statuses == {"r1": "succeeded"}


def test_a_requeued_job_that_still_finishes_is_stored(bench: Bench) -> None:
    bench.generator.after_step = lambda step: stop(bench) if step.done == step.total else None
    bench.job_service.submit(request(), caller="me")
    bench.job_service.run_once()
    assert bench.statuses == {"r1": "succeeded"}


def test_a_cancel_is_not_undone_by_a_stop(bench: Bench) -> None:
    def cancel_and_stop(_requests: object) -> None:
        bench.job_service.cancel("me", "r1")
        stop(bench)

    bench.generator.on_begin = cancel_and_stop
    bench.job_service.submit(request(), caller="me")
    bench.job_service.run_once()
    assert bench.statuses == {"r1": "cancelled"}


@pytest.mark.parametrize("jump", [-86_400.0, 86_400.0])
def test_a_jump_of_the_wall_clock_does_not_make_a_job_look_stalled(
    bench: Bench, jump: float
) -> None:
    def jump_and_stop(_requests: object) -> None:
        bench.jump = jump
        bench.clock.now += 1
        stop(bench)

    bench.generator.on_begin = jump_and_stop
    bench.job_service.submit(request(), caller="me")
    bench.job_service.run_once()
    (job,) = bench.jobs.jobs.values()
    assert (job.status, job.attempts) == (JobStatus.QUEUED, 0)


@pytest.mark.parametrize(("seconds", "attempts"), [(299, 0), (301, 1)])
def test_the_attempt_of_a_stalled_job_counts(bench: Bench, seconds: int, attempts: int) -> None:
    def stall_and_stop(_requests: object) -> None:
        bench.clock.now += seconds
        stop(bench)

    bench.generator.on_begin = stall_and_stop
    bench.job_service.submit(request(), caller="me")
    bench.job_service.run_once()
    bench.restart()
    bench.job_service.recover()
    assert bench.job_service.find("me", "r1").job.attempts == attempts


def test_a_store_failure_at_the_end_leaves_the_job_unchanged(bench: Bench) -> None:
    def stop_without_a_store(_requests: object) -> None:
        bench.jobs.broken = True
        stop(bench)

    bench.job_service.submit(request(), caller="me")
    bench.generator.on_begin = stop_without_a_store
    bench.job_service.run_once()
    assert bench.statuses == {"r1": "running"}


def test_a_request_before_the_recovery_joins_the_same_job(bench: Bench) -> None:
    bench.job_service.submit(request(seed=None), caller="me")
    seed = bench.job_service.find("me", "r1").job.request.seed
    bench.restart()
    again = bench.job_service.submit(request(seed=None), caller="me")
    bench.job_service.recover()
    bench.job_service.run_once()
    assert again.wait(0).request.seed == seed
    assert len(bench.generator.drawn) == 1
    assert bench.job_service.waiting == 0


@pytest.mark.parametrize("begun", [False, True])
def test_a_cancel_before_the_recovery_takes_effect(bench: Bench, begun: bool) -> None:
    bench.job_service.submit(request(), caller="me")
    if begun:
        bench.generator.on_begin = lambda _requests: bench.job_service.abandon()
        bench.job_service.run_once()
    bench.restart()
    assert bench.job_service.cancel("me", "r1").job.status is JobStatus.CANCELLED
    bench.job_service.recover()
    assert bench.job_service.waiting == 0
    assert bench.statuses == {"r1": "cancelled"}


def test_a_cancel_during_the_recovery_takes_effect(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.job_service.submit(request(), caller="me")
    bench.restart()
    left = bench.jobs.unfinished()
    bench.job_service.cancel("me", "r1")
    monkeypatch.setattr(bench.jobs, "unfinished", lambda: left)
    bench.job_service.recover()
    assert bench.job_service.waiting == 0
    assert bench.statuses == {"r1": "cancelled"}


def test_a_listener_before_the_recovery_sees_the_job_wait(bench: Bench) -> None:
    bench.job_service.submit(request(), caller="me")
    bench.restart()
    watch = bench.job_service.watch("me", "r1")
    bench.job_service.recover()
    event = watch.next(0)
    assert event is not None
    assert (event.name, event.view.position) == ("queued", 1)
    bench.job_service.run_once()
    event = watch.next(0)
    assert event is not None
    assert event.name == "done"


def test_a_job_left_to_the_next_process_cannot_be_cancelled(bench: Bench) -> None:
    bench.job_service.submit(request(), caller="me")
    bench.job_service.abandon()
    with pytest.raises(ShuttingDown):
        bench.job_service.cancel("me", "r1")
    assert bench.statuses == {"r1": "queued"}
