import threading
from collections.abc import Iterator

import pytest

from application.scheduler import JobScheduler
from domain.errors import ModelNotFound, OutOfMemory, QueueFull, ShuttingDown
from domain.generation import GenerationRequest
from domain.services.generate_images import GenerateImages
from domain.services.model_registry import ModelRegistry
from tests.fakes.clock import FakeClock
from tests.fakes.image_generator import FakeImageGenerator
from tests.fakes.model_source import FakeModelSource, model_record

MODEL = model_record()


class Bench:
    """A scheduler over fakes, driven by hand."""

    def __init__(self, max_queue: int = 2) -> None:
        registry = ModelRegistry(FakeModelSource({MODEL.path: b"weights"}))
        registry.refresh()
        self.clock = FakeClock()
        self.generator = FakeImageGenerator()
        use_case = GenerateImages(registry, self.generator, clock=self.clock)
        self.scheduler = JobScheduler(use_case, max_queue=max_queue, clock=self.clock)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def request(name: str = "r1", **changes: object) -> GenerationRequest:
    values: dict[str, object] = {"id": name, "model_id": MODEL.id, "prompt": "x", "seed": 1}
    return GenerationRequest(**(values | changes))  # type: ignore[arg-type]


@pytest.fixture
def worker(bench: Bench) -> Iterator[threading.Thread]:
    thread = threading.Thread(target=bench.scheduler.run_forever)
    thread.start()
    yield thread
    bench.generator.gate.set()
    bench.scheduler.drain()
    thread.join(10)
    assert not thread.is_alive()


def test_jobs_are_drawn_in_the_order_they_came(bench: Bench) -> None:
    outcomes = [bench.scheduler.submit(request(name), caller="me") for name in ("a", "b")]
    assert bench.scheduler.waiting == 2
    bench.scheduler.run_once()
    assert outcomes[0].done()
    assert not outcomes[1].done()
    bench.scheduler.run_once()
    assert [outcome.result().request.id for outcome in outcomes] == ["a", "b"]


def test_the_wait_in_the_queue_is_measured_and_is_no_work(bench: Bench) -> None:
    outcome = bench.scheduler.submit(request(), caller="me")
    bench.clock.now += 12
    bench.scheduler.run_once()
    assert outcome.result().timings.queue == 12
    assert outcome.result().processing_time == 0


def test_past_its_bound_the_queue_refuses_and_keeps_what_it_has(bench: Bench) -> None:
    outcomes = [bench.scheduler.submit(request(name), caller="me") for name in ("a", "b")]
    assert bench.scheduler.full
    with pytest.raises(QueueFull) as caught:
        bench.scheduler.submit(request("c"), caller="me")
    assert caught.value.retry_after >= 1
    bench.scheduler.run_once()
    assert not bench.scheduler.full
    bench.scheduler.submit(request("d"), caller="me")
    bench.scheduler.run_once()
    assert all(outcome.done() for outcome in outcomes)


def test_a_running_job_does_not_count_as_waiting(bench: Bench, worker: threading.Thread) -> None:
    bench.generator.gate.clear()
    bench.scheduler.submit(request("running"), caller="me")
    assert bench.generator.began.wait(10)
    for name in ("a", "b"):
        bench.scheduler.submit(request(name), caller="me")
    with pytest.raises(QueueFull):
        bench.scheduler.submit(request("c"), caller="me")


def test_an_unknown_model_takes_no_place(bench: Bench) -> None:
    with pytest.raises(ModelNotFound):
        bench.scheduler.submit(request(model_id="0" * 64), caller="me")
    assert bench.scheduler.waiting == 0


@pytest.mark.parametrize("error", [OutOfMemory("too large"), RuntimeError("a bug")])
def test_a_job_that_fails_leaves_the_next_one_alone(bench: Bench, error: Exception) -> None:
    bench.generator.failures = [error]
    bad = bench.scheduler.submit(request("bad"), caller="me")
    good = bench.scheduler.submit(request("good"), caller="me")
    bench.scheduler.run_once()
    bench.scheduler.run_once()
    assert bad.exception() is error
    assert good.result().request.id == "good"


def test_draining_draws_what_is_queued_and_takes_no_more(bench: Bench) -> None:
    outcome = bench.scheduler.submit(request(), caller="me")
    bench.scheduler.drain()
    with pytest.raises(ShuttingDown):
        bench.scheduler.submit(request("late"), caller="me")
    bench.scheduler.run_forever()
    assert outcome.result().request.id == "r1"


def test_abandoning_tells_those_who_wait(bench: Bench) -> None:
    outcome = bench.scheduler.submit(request(), caller="me")
    bench.scheduler.abandon()
    assert isinstance(outcome.exception(), ShuttingDown)
    assert not bench.scheduler.run_once()
    assert bench.generator.drawn == []


def test_abandoning_tells_who_waits_for_the_running_one_too(
    bench: Bench, worker: threading.Thread
) -> None:
    bench.generator.gate.clear()
    running = bench.scheduler.submit(request(), caller="me")
    assert bench.generator.began.wait(10)
    bench.scheduler.abandon()
    assert isinstance(running.exception(0), ShuttingDown)
    bench.generator.gate.set()
    worker.join(10)
    assert not worker.is_alive()


def test_a_waiting_worker_wakes_for_a_job(bench: Bench, worker: threading.Thread) -> None:
    assert bench.scheduler.submit(request(), caller="me").result(10).request.id == "r1"


def test_one_line_says_what_was_drawn_for_whom_and_no_prompt(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    bench.scheduler.submit(request(prompt="my secret wish"), caller="key:abc")
    bench.scheduler.run_once()
    bench.scheduler.submit(request("a\nERROR forged"), caller="me\nERROR forged")
    bench.scheduler.run_once()
    assert all("\n" not in record.getMessage() for record in caplog.records)
    assert "id='r1' caller='key:abc'" in caplog.text
    assert "secret wish" not in caplog.text


def test_a_job_that_its_caller_cancels_is_not_drawn_and_harms_no_other(bench: Bench) -> None:
    cancelled = bench.scheduler.submit(request("cancelled"), caller="me")
    good = bench.scheduler.submit(request("good"), caller="me")
    assert cancelled.cancel()
    assert bench.scheduler.run_once()
    assert bench.scheduler.run_once()
    assert good.result(0).request.id == "good"
    assert [drawn.id for drawn in bench.generator.drawn] == ["good"]
    left = bench.scheduler.submit(request("left"), caller="me")
    left.cancel()
    bench.scheduler.abandon()
