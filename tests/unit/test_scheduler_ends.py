"""How jobs end, or wait for the next process: cancelled, drained, abandoned, not kept."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from application.jobs import JobStatus
from domain.errors import (
    GenerationFailed,
    JobCancelled,
    JobNotFound,
    ShuttingDown,
    StorageInUse,
    StorageUnavailable,
)
from domain.ports.image_generator import GeneratedBatch
from tests.unit.scheduling import Bench, request


def test_a_job_that_waits_is_cancelled_at_once_and_harms_no_other(bench: Bench) -> None:
    cancelled = bench.scheduler.submit(request("cancelled"), caller="me")
    good = bench.scheduler.submit(request("good"), caller="me")
    assert bench.scheduler.cancel("me", "cancelled").job.status is JobStatus.CANCELLED
    with pytest.raises(JobCancelled):
        cancelled.wait(0)
    bench.scheduler.run_once()
    assert good.wait(0).request.id == "good"
    assert [drawn.id for drawn in bench.generator.drawn] == ["good"]
    assert bench.statuses == {"cancelled": "cancelled", "good": "succeeded"}


def test_a_running_job_stops_before_its_next_step(bench: Bench) -> None:
    running = bench.scheduler.submit(request(), caller="me")

    def cancel(_requests: object) -> None:
        assert bench.scheduler.cancel("me", "r1").job.status is JobStatus.RUNNING

    bench.generator.on_begin = cancel
    bench.scheduler.run_once()
    with pytest.raises(JobCancelled):
        running.wait(0)
    assert bench.generator.drawn == []
    assert bench.statuses == {"r1": "cancelled"}


def test_a_finished_job_is_not_cancelled(bench: Bench) -> None:
    done = bench.scheduler.submit(request(), caller="me")
    bench.scheduler.run_once()
    assert bench.scheduler.cancel("me", "r1").job.status is JobStatus.SUCCEEDED
    assert done.wait(0)
    with pytest.raises(JobNotFound):
        bench.scheduler.cancel("me", "other")


def test_ending_a_wait_cancels_nothing(bench: Bench) -> None:
    job = bench.scheduler.submit(request(), caller="me")
    with pytest.raises(TimeoutError):
        job.wait(0)
    bench.scheduler.run_once()
    assert job.wait(0)


def test_draining_draws_what_is_queued_and_takes_no_more(bench: Bench) -> None:
    outcome = bench.scheduler.submit(request(), caller="me")
    bench.scheduler.drain()
    with pytest.raises(ShuttingDown):
        bench.scheduler.submit(request("late"), caller="me")
    bench.scheduler.run_forever()
    assert outcome.wait(0).request.id == "r1"
    assert bench.scheduler.submit(request(), caller="me").wait(0) == outcome.wait(0)


def test_what_is_abandoned_is_drawn_after_the_restart(bench: Bench) -> None:
    running = bench.scheduler.submit(request("running"), caller="me")
    waiting = bench.scheduler.submit(request("waiting"), caller="me")
    bench.generator.on_begin = lambda _requests: bench.scheduler.abandon()
    bench.scheduler.run_once()
    for job in (running, waiting):
        with pytest.raises(ShuttingDown):
            job.wait(0)
    assert bench.generator.drawn == []
    bench.generator.on_begin = lambda _requests: None
    bench.restart()
    bench.scheduler.recover()
    assert bench.scheduler.find("me", "running").position == 1
    bench.scheduler.run_once()
    bench.scheduler.run_once()
    assert bench.statuses == {"running": "succeeded", "waiting": "succeeded"}


def test_what_breaks_because_the_process_ends_is_drawn_after_the_restart(bench: Bench) -> None:
    bench.scheduler.submit(request(), caller="me")
    bench.generator.failures = [GenerationFailed("no thread can be started at shutdown")]
    bench.generator.on_begin = lambda _requests: bench.scheduler.abandon()
    bench.scheduler.run_once()
    assert bench.statuses == {"r1": "running"}
    bench.generator.on_begin = lambda _requests: None
    bench.restart()
    bench.scheduler.recover()
    bench.scheduler.run_once()
    assert bench.statuses == {"r1": "succeeded"}


def test_what_is_drawn_when_the_process_ends_is_kept(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def submit(*_anything: object) -> None:
        raise RuntimeError("cannot schedule new futures after interpreter shutdown")

    monkeypatch.setattr(ThreadPoolExecutor, "submit", submit)
    bench.generator.after_step = lambda step: (
        bench.scheduler.abandon() if step.done == step.total else None
    )
    bench.scheduler.submit(request(), caller="me")
    bench.scheduler.run_forever()
    assert bench.statuses == {"r1": "succeeded"}


def test_who_waits_hears_of_any_failure_to_keep_a_picture(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(*_anything: object) -> None:
        raise MemoryError

    monkeypatch.setattr(bench.results, "write", write)
    job = bench.scheduler.submit(request(), caller="me")
    with bench.worker():
        with pytest.raises(MemoryError):
            job.wait(10)  # and no later job is needed for that
        monkeypatch.undo()
        assert bench.scheduler.submit(request("next"), caller="me").wait(10)
    assert bench.statuses == {"r1": "failed", "next": "succeeded"}


def test_who_asks_before_the_recovery_joins_the_same_job(bench: Bench) -> None:
    bench.scheduler.submit(request(seed=None), caller="me")
    seed = bench.scheduler.find("me", "r1").job.request.seed
    bench.restart()
    again = bench.scheduler.submit(request(seed=None), caller="me")
    bench.scheduler.recover()
    bench.scheduler.run_once()
    assert again.wait(0).request.seed == seed
    assert len(bench.generator.drawn) == 1
    assert bench.scheduler.waiting == 0


@pytest.mark.parametrize("begun", [False, True])
def test_who_cancels_before_the_recovery_is_heard(bench: Bench, begun: bool) -> None:
    bench.scheduler.submit(request(), caller="me")
    if begun:
        bench.generator.on_begin = lambda _requests: bench.scheduler.abandon()
        bench.scheduler.run_once()
    bench.restart()
    assert bench.scheduler.cancel("me", "r1").job.status is JobStatus.CANCELLED
    bench.scheduler.recover()
    assert bench.scheduler.waiting == 0
    assert bench.statuses == {"r1": "cancelled"}


def test_a_cancel_while_the_recovery_reads_is_heard(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.scheduler.submit(request(), caller="me")
    bench.restart()
    left = bench.jobs.unfinished()
    bench.scheduler.cancel("me", "r1")
    monkeypatch.setattr(bench.jobs, "unfinished", lambda: left)
    bench.scheduler.recover()
    assert bench.scheduler.waiting == 0
    assert bench.statuses == {"r1": "cancelled"}


def test_who_listens_before_the_recovery_hears_it_wait(bench: Bench) -> None:
    bench.scheduler.submit(request(), caller="me")
    bench.restart()
    watch = bench.scheduler.watch("me", "r1")
    bench.scheduler.recover()
    event = watch.next(0)
    assert event is not None
    assert (event.name, event.view.position) == ("queued", 1)
    bench.scheduler.run_once()
    event = watch.next(0)
    assert event is not None
    assert event.name == "done"


def test_no_cancel_is_promised_for_what_the_next_process_draws(bench: Bench) -> None:
    bench.scheduler.submit(request(), caller="me")
    bench.scheduler.abandon()
    with pytest.raises(ShuttingDown):
        bench.scheduler.cancel("me", "r1")
    assert bench.statuses == {"r1": "queued"}


def test_a_store_that_fails_refuses_before_the_work_and_loses_nothing(bench: Bench) -> None:
    kept = bench.scheduler.submit(request("kept"), caller="me")
    bench.jobs.broken = True
    with pytest.raises(StorageUnavailable):
        bench.scheduler.submit(request("new"), caller="me")
    with pytest.raises(StorageUnavailable):
        bench.scheduler.cancel("me", "kept")
    assert bench.scheduler.waiting == 1
    bench.jobs.broken = False
    bench.scheduler.run_once()
    assert kept.wait(0)


def test_a_result_that_can_not_be_kept_is_a_failure_that_is_kept_later(bench: Bench) -> None:
    job = bench.scheduler.submit(request(), caller="me")
    bench.results.broken = True
    bench.generator.on_begin = lambda _requests: setattr(bench.jobs, "broken", True)
    bench.scheduler.run_once()
    with pytest.raises(StorageUnavailable):
        job.wait(0)
    assert bench.scheduler.find("me", "r1").job.status is JobStatus.FAILED
    assert bench.results.files == {}
    bench.jobs.broken = bench.results.broken = False
    bench.generator.on_begin = lambda _requests: None
    assert bench.statuses == {"r1": "running"}
    assert bench.scheduler.page("me", status=None, before=None, limit=5).jobs[0].job.failure
    bench.records.tidy()
    assert bench.statuses == {"r1": "failed"}
    again = bench.scheduler.submit(request(), caller="me")
    bench.scheduler.run_once()
    assert again.wait(0)


def test_jobs_that_another_process_draws_are_not_touched_but_can_be_seen(bench: Bench) -> None:
    bench.scheduler.submit(request("theirs"), caller="me")
    bench.restart()
    bench.sole_use.others = True
    for change in (
        lambda: bench.scheduler.submit(request("theirs"), caller="me"),
        lambda: bench.scheduler.submit(request("new"), caller="me"),
        lambda: bench.scheduler.cancel("me", "theirs"),
        lambda: bench.scheduler.watch("me", "theirs"),
        bench.scheduler.recover,
    ):
        with pytest.raises(StorageInUse, match="DATA_DIR"):
            change()
    assert bench.statuses == {"theirs": "queued"}
    assert bench.scheduler.find("me", "theirs").job.status is JobStatus.QUEUED
    page = bench.scheduler.page("me", status=None, before=None, limit=5)
    assert [view.job.request.id for view in page.jobs] == ["theirs"]
    bench.sole_use.others = False
    bench.scheduler.recover()
    bench.scheduler.run_once()
    assert bench.statuses == {"theirs": "succeeded"}


def test_closed_records_are_left_to_the_next_process(bench: Bench) -> None:
    bench.scheduler.submit(request(), caller="me")
    bench.records.close()
    assert not bench.sole_use.taken
    with pytest.raises(ShuttingDown):
        bench.scheduler.submit(request(), caller="me")
    assert not bench.sole_use.taken


@pytest.mark.parametrize("deaths, status", [(9, "succeeded"), (10, "failed")])
def test_a_job_that_ends_its_process_is_given_up_at_last(
    bench: Bench, deaths: int, status: str
) -> None:
    bench.scheduler.submit(request("deadly"), caller="me")
    (queued,) = bench.jobs.jobs.values()
    begun = queued
    for _ in range(deaths):
        begun = (begun.requeued() if begun.attempts else begun).started(1.0)
    bench.jobs.jobs[queued.key] = begun
    bench.restart()
    bench.scheduler.recover()
    bench.scheduler.submit(request("good"), caller="you")
    bench.scheduler.drain()
    bench.scheduler.run_forever()
    assert bench.statuses == {"deadly": status, "good": "succeeded"}
    if status == "failed":
        failure = bench.scheduler.find("me", "deadly").job.failure
        assert failure is not None
        assert (failure.code, "10 times" in failure.detail) == ("generation_failed", True)
        bench.restart()
        again = bench.scheduler.submit(request("deadly"), caller="me")
        bench.scheduler.run_once()
        assert again.wait(0).request.id == "deadly"


def test_a_cancel_after_the_last_step_still_counts(bench: Bench) -> None:
    running = bench.scheduler.submit(request(), caller="me")
    generate = bench.generator.generate

    def cancelled_at_its_end(*arguments: Any, **options: Any) -> GeneratedBatch:
        batch = generate(*arguments, **options)
        assert bench.scheduler.cancel("me", "r1").job.status is JobStatus.RUNNING
        return batch

    bench.generator.generate = cancelled_at_its_end  # type: ignore[method-assign]
    bench.scheduler.run_once()
    with pytest.raises(JobCancelled):
        running.wait(0)
    assert bench.statuses == {"r1": "cancelled"}
    assert bench.results.files == {}


def test_pictures_are_not_lost_when_only_the_store_fails(bench: Bench) -> None:
    running = bench.scheduler.submit(request(), caller="me")

    def break_the_store(_requests: object) -> None:
        bench.jobs.broken = True

    bench.generator.on_begin = break_the_store
    bench.scheduler.run_once()
    assert running.wait(0).images
    bench.jobs.broken = False
    assert bench.statuses == {"r1": "running"}
    page = bench.scheduler.page("me", status=JobStatus.RUNNING, before=None, limit=5)
    assert page.jobs == ()
    bench.records.tidy()
    assert bench.statuses == {"r1": "succeeded"}
