"""The events that an observer receives: each end once, each step, each batch."""

import dataclasses
from collections.abc import Callable, Sequence

import pytest

from application.jobs.queue_load import QueueLoad
from domain.errors import GenerationFailed, OutOfMemory, QueueFull
from domain.generation.request import GenerationRequest
from tests.unit.jobs.scheduling import MODEL, Bench, request

IDLE = QueueLoad(waiting=0, oldest_seconds=0, running=0, steps_per_second=0)


@pytest.fixture
def bench() -> Bench:
    return Bench(largest_batch=4)


def submit(bench: Bench, *names: str, **changes: object) -> None:
    for name in names:
        bench.job_service.submit(request(name, **changes), caller="me")


def test_a_drawn_job_is_reported_once_with_its_timings(bench: Bench) -> None:
    submit(bench, "a")
    bench.clock.now += 8
    bench.job_service.run_once()
    assert bench.observer.outcomes == [("a", "succeeded", None)]
    timings = bench.observer.ended[0].timings
    assert timings is not None
    assert dataclasses.asdict(timings) == {
        "queue": 8,
        "load": 0.25,
        "generate": 0.5,
        "encode": 0.125,
    }


def test_a_repeated_result_is_not_reported_again(bench: Bench) -> None:
    submit(bench, "a")
    bench.job_service.run_once()
    submit(bench, "a")
    bench.restart()
    submit(bench, "a")
    assert bench.observer.outcomes == [("a", "succeeded", None)]
    assert len(bench.observer.batches) == 1


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OutOfMemory("too large"), "out_of_memory"),
        (GenerationFailed("broken"), "generation_failed"),
        (RuntimeError("a bug"), "internal_error"),
    ],
)
def test_a_failure_has_its_code_and_is_not_a_batch(
    bench: Bench, error: Exception, code: str
) -> None:
    bench.generator.failures.append(error)
    submit(bench, "a")
    bench.job_service.run_once()
    assert bench.observer.outcomes == [("a", "failed", code)]
    assert bench.observer.batches == []


def test_the_observer_is_told_before_the_waiting_client(bench: Bench) -> None:
    told: list[bool] = []
    submission = bench.job_service.submit(request("a"), caller="me")

    class Observer(type(bench.observer)):  # type: ignore[misc]
        def job_ended(self, _job: object) -> None:
            with pytest.raises(TimeoutError):
                submission.wait(0)
            told.append(True)

    bench.observer.__class__ = Observer
    bench.job_service.run_once()
    assert told == [True]
    assert submission.wait(0)


def test_cancelled_jobs_are_reported_waiting_or_running(bench: Bench) -> None:
    submit(bench, "waits", "runs")
    bench.job_service.cancel("me", "waits")

    def cancel(_requests: object) -> None:
        bench.job_service.cancel("me", "runs")

    bench.generator.on_begin = cancel
    bench.job_service.run_once()
    bench.job_service.cancel("me", "waits")
    assert bench.observer.outcomes == [("waits", "cancelled", None), ("runs", "cancelled", None)]


def test_a_refusal_is_not_a_job(bench: Bench) -> None:
    submit(bench, *(f"r{number}" for number in range(6)))
    with pytest.raises(QueueFull):
        submit(bench, "one too many")
    assert bench.observer.ended == []


def test_a_job_given_up_at_startup_is_reported(bench: Bench) -> None:
    submit(bench, "a")
    (job,) = bench.jobs.jobs.values()
    begun = job.started(1.0)
    bench.jobs.update(dataclasses.replace(begun, attempts=3))
    bench.restart()
    bench.job_service.recover()
    bench.job_service.recover()
    assert bench.observer.outcomes == [("a", "failed", "generation_failed")]


def test_a_job_left_to_the_next_process_has_not_ended(bench: Bench) -> None:
    submit(bench, "a")
    bench.generator.on_begin = lambda _requests: bench.job_service.abandon()
    bench.job_service.run_once()
    assert bench.observer.ended == []
    bench.generator.on_begin = lambda _requests: None
    bench.restart()
    bench.job_service.recover()
    bench.job_service.run_once()
    assert bench.observer.outcomes == [("a", "succeeded", None)]


def test_a_batch_is_as_large_as_the_images_drawn_at_once(bench: Bench) -> None:
    submit(bench, "a")
    bench.job_service.run_once()
    submit(bench, "b", "c")
    bench.job_service.run_once()
    assert bench.observer.batches == [1, 2]
    submit(bench, "d", num_images=4)
    bench.job_service.run_once()
    assert bench.observer.batches == [1, 2, 4]


def test_a_batch_that_does_not_fit_is_not_counted_but_its_parts_are(bench: Bench) -> None:
    submit(bench, "a")
    bench.job_service.run_once()
    bench.generator.fits = 1
    submit(bench, "b", "c")
    bench.job_service.run_once()
    assert bench.observer.batches == [1, 1, 1]
    assert [name for name, *_ in bench.observer.outcomes] == ["a", "b", "c"]


def at_each_step(bench: Bench, seconds: float, look: Callable[[], object]) -> None:
    """Let this much time pass before each step of the next drawing, and call `look` after it."""

    def clock() -> float:
        if bench.job_service.load.running:
            bench.clock.now += seconds
        return bench.clock.now

    bench.job_service._worker.clock = clock
    real = bench.observer.step_done

    def step_done(seconds: float) -> None:
        real(seconds)
        look()

    bench.observer.step_done = step_done  # type: ignore[method-assign]


def test_steps_are_reported_with_the_time_between_them(bench: Bench) -> None:
    at_each_step(bench, 0.5, lambda: None)
    submit(bench, "a", num_inference_steps=4)
    bench.job_service.run_once()
    assert bench.observer.steps == [0.5, 0.5, 0.5]


def test_the_load_rises_and_falls_again(bench: Bench) -> None:
    assert bench.job_service.load == IDLE
    submit(bench, "a")
    bench.clock.now += 2
    submit(bench, "b", num_images=2)
    bench.clock.now += 3
    assert bench.job_service.load == dataclasses.replace(IDLE, waiting=2, oldest_seconds=5)
    drawn: list[QueueLoad] = []

    def look(_requests: Sequence[GenerationRequest]) -> None:
        drawn.append(bench.job_service.load)

    bench.generator.on_begin = look
    bench.job_service.run_once()
    assert drawn == [dataclasses.replace(IDLE, waiting=1, oldest_seconds=3, running=1)]
    bench.job_service.run_once()
    assert bench.job_service.load == IDLE
    submit(bench, "c")
    bench.job_service.cancel("me", "c")
    assert bench.job_service.load == IDLE


def test_the_speed_is_that_of_the_current_drawing(bench: Bench) -> None:
    rates: list[float] = []
    at_each_step(bench, 0.25, lambda: rates.append(bench.job_service.load.steps_per_second))
    submit(bench, "a", num_inference_steps=4)
    bench.job_service.run_once()
    assert rates == [0, 4, 4]
    assert bench.job_service.load == IDLE


def test_a_clock_that_is_set_back_gives_no_negative_age(bench: Bench) -> None:
    submit(bench, "a")
    bench.clock.now -= 50
    assert bench.job_service.load.oldest_seconds == 0


def test_a_job_of_an_earlier_run_has_waited_since_it_was_accepted(bench: Bench) -> None:
    submit(bench, "a", model_id=MODEL.id)
    bench.clock.now += 60
    bench.restart()
    bench.job_service.recover()
    assert bench.job_service.load.oldest_seconds == 60
