"""Loads that take too long, that no job waits for any more, or that never end."""

import pytest

from application.job import JobStatus
from domain.errors import GenerationFailed, JobCancelled, ModelNotLoadable, ShuttingDown
from tests.unit.jobs.scheduling import LOAD_TIMEOUT, Bench, request


def endless(bench: Bench) -> None:
    """Keep loads from ending by themselves; each sign of life takes a second."""
    bench.generator.load_ticks = 10**9

    def second() -> None:
        bench.clock.now += 1

    bench.generator.after_load_tick = second


def test_an_endless_load_is_given_up(bench: Bench) -> None:
    endless(bench)
    job = bench.job_service.submit(request(), caller="me")
    began = bench.clock.now
    bench.job_service.run_once()
    with pytest.raises(ModelNotLoadable, match="not loaded within 600 seconds"):
        job.wait(0)
    assert bench.clock.now - began == pytest.approx(LOAD_TIMEOUT, abs=2)
    assert bench.statuses == {"r1": "failed"}


def test_a_load_that_ends_in_time_is_not_a_failure(bench: Bench) -> None:
    endless(bench)
    bench.generator.load_ticks = int(LOAD_TIMEOUT)
    job = bench.job_service.submit(request(), caller="me")
    bench.job_service.run_once()
    assert job.wait(0).images


def test_a_load_is_retried_after_one_that_took_too_long(bench: Bench) -> None:
    endless(bench)
    bench.job_service.submit(request("slow"), caller="me")
    bench.job_service.run_once()
    bench.generator.load_ticks = 1
    job = bench.job_service.submit(request("fast"), caller="me")
    bench.job_service.run_once()
    assert job.wait(0).images


def test_a_load_can_be_cancelled(bench: Bench) -> None:
    endless(bench)
    job = bench.job_service.submit(request(), caller="me")
    ticks: list[int] = []

    def cancel() -> None:
        ticks.append(1)
        assert bench.job_service.cancel("me", "r1").job.status is JobStatus.RUNNING

    bench.generator.after_load_tick = cancel
    bench.job_service.run_once()
    with pytest.raises(JobCancelled):
        job.wait(0)
    assert len(ticks) == 1
    assert bench.statuses == {"r1": "cancelled"}


def test_a_load_that_another_job_waits_for_continues() -> None:
    wide = Bench(largest_batch=2)
    wide.job_service.submit(request("warm"), caller="me")
    wide.job_service.run_once()  # from then on two may be drawn together
    jobs = [wide.job_service.submit(request(name), caller="me") for name in ("gone", "stays")]
    wide.generator.after_load_tick = lambda: wide.job_service.cancel("me", "gone")
    wide.job_service.run_once()
    with pytest.raises(JobCancelled):
        jobs[0].wait(0)
    assert jobs[1].wait(0).images


def stop(bench: Bench) -> None:
    """Do what the service does at the end of its grace period."""
    bench.job_service.abandon()
    bench.job_service.put_back()


def test_a_load_that_stops_on_request_is_not_an_attempt(bench: Bench) -> None:
    endless(bench)
    job = bench.job_service.submit(request(), caller="me")
    bench.generator.after_load_tick = lambda: stop(bench)
    bench.job_service.run_once()
    with pytest.raises(ShuttingDown):
        job.wait(0)
    (kept,) = bench.jobs.jobs.values()
    assert (kept.status, kept.attempts) == (JobStatus.QUEUED, 0)


def test_a_load_that_does_not_stop_is_an_attempt_and_the_third_is_the_last(
    bench: Bench,
) -> None:
    bench.job_service.submit(request(), caller="me")

    def hang() -> None:
        bench.clock.now += 11  # without a sign of life
        stop(bench)

    bench.generator.after_load_tick = hang
    for attempt in (1, 2, 3):
        bench.job_service.run_once()
        (kept,) = bench.jobs.jobs.values()
        assert (kept.status, kept.attempts) == (JobStatus.RUNNING, attempt)
        bench.restart()
        bench.job_service.recover()
    assert bench.statuses == {"r1": "failed"}
    assert bench.job_service.waiting == 0


@pytest.mark.parametrize(
    "error", [SystemExit(3), KeyboardInterrupt(), BaseException("a panic in Rust")], ids=repr
)
def test_a_base_exception_fails_one_job_and_the_next_is_drawn(
    bench: Bench, error: BaseException
) -> None:
    bench.generator.failures = [error]
    bench.generator.gate.clear()
    with bench.worker():
        bad = bench.job_service.submit(request("bad"), caller="me")
        good = bench.job_service.submit(request("good"), caller="you")
        bench.generator.gate.set()
        with pytest.raises(GenerationFailed, match=type(error).__name__):
            bad.wait(10)
        assert good.wait(10).images
    assert bench.statuses == {"bad": "failed", "good": "succeeded"}


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), BaseException("a panic")])
def test_a_base_exception_at_a_step_or_during_loading_fails_only_that_job(
    bench: Bench, error: BaseException
) -> None:
    def fail(*_anything: object) -> None:
        bench.generator.after_step = lambda _step: None
        bench.generator.after_load_tick = lambda: None
        raise error

    for number, stage in enumerate(("after_step", "after_load_tick")):
        with bench.worker():
            setattr(bench.generator, stage, fail)
            bad = bench.job_service.submit(request(f"bad {number}"), caller="me")
            with pytest.raises(GenerationFailed):
                bad.wait(10)
            assert bench.job_service.submit(request(f"good {number}"), caller="me").wait(10).images
        bench.restart()


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), BaseException("a panic")])
def test_a_base_exception_while_a_picture_is_stored_fails_only_that_job(
    bench: Bench, error: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = bench.results.write

    def fail(*_anything: object) -> None:
        monkeypatch.setattr(bench.results, "write", write)
        raise error

    monkeypatch.setattr(bench.results, "write", fail)
    with bench.worker():
        bad = bench.job_service.submit(request("bad"), caller="me")
        with pytest.raises(GenerationFailed, match=type(error).__name__):
            bad.wait(10)
        assert bench.job_service.submit(request("good"), caller="me").wait(10).images
    assert bench.statuses == {"bad": "failed", "good": "succeeded"}
