import dataclasses
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future

import pytest

from application.job import JobStatus
from application.jobs.live_job import Submission
from application.lifecycle.service import Readiness
from domain.errors import (
    DeviceLost,
    DeviceUnavailable,
    DomainError,
    ShuttingDown,
    StorageUnavailable,
)
from domain.generation.request import GenerationRequest
from domain.models.names import ModelNames
from tests.fakes.model_settings import FakeModelSettings
from tests.fakes.model_source import model_record
from tests.unit.lifecycle.service_bench import MODEL, Bench


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.generator.gate.set()
    bench.service.stop(10)


REQUEST = GenerationRequest(id="r1", model_id=MODEL.id, prompt="x", seed=1)


def begin_drawing(bench: Bench) -> Submission:
    """Start the service and a drawing that continues until the generator's gate is opened."""
    bench.service.start()
    bench.registry.refresh()
    bench.generator.gate.clear()
    submission = bench.job_service.submit(REQUEST, caller="me")
    assert bench.generator.began.wait(10)
    return submission


def test_readiness_names_what_is_missing(bench: Bench) -> None:
    said = [bench.service.readiness]
    bench.generator.prepare()
    said.append(bench.service.readiness)
    bench.registry.refresh()
    said.append(bench.service.readiness)
    bench.job_service.submit(REQUEST, caller="me")
    said.append(bench.service.readiness)
    bench.job_service.drain()
    said.append(bench.service.readiness)
    assert said == [
        Readiness.SEEKING_DEVICE,
        Readiness.SCANNING,
        Readiness.READY,
        Readiness.QUEUE_FULL,
        Readiness.DRAINING,
    ]


def test_it_announces_readiness_once_and_then_draws(bench: Bench) -> None:
    said = threading.Semaphore(0)
    bench.service.start(on_ready=said.release)
    assert said.acquire(timeout=10)
    assert bench.job_service.submit(REQUEST, caller="me").wait(10).request == REQUEST
    assert not said.acquire(blocking=False)


def test_new_models_are_seen_while_it_runs(bench: Bench) -> None:
    bench.service.start()
    seen = threading.Event()

    class Watching(dict[str, bytes]):
        """Reports its second scan after it was put in place."""

        scans = 0

        def items(self):  # type: ignore[no-untyped-def]
            self.scans += 1
            if self.scans > 1:
                seen.set()
            return super().items()

    new = model_record(b"new", "models/new.ckpt")
    bench.source.files = Watching({new.path: b"new"})
    assert seen.wait(10)
    assert [model.id for model in bench.registry.models()] == [new.id]


def test_a_failing_scan_stops_nothing(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    ready = threading.Event()
    failing = bench.source.scan
    calls: list[int] = []

    def scan():  # type: ignore[no-untyped-def]
        calls.append(1)
        if len(calls) == 1:
            raise OSError("the network folder is gone")
        return failing()

    bench.source.scan = scan  # type: ignore[method-assign]
    bench.service.start(on_ready=ready.set)
    assert ready.wait(10)
    assert "could not be scanned" in caplog.text


def test_unknown_model_names_in_settings_are_logged_once_at_startup(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bench = Bench(ModelNames("away", {"good": MODEL.name, "bad": "gone"}))
    ready = threading.Event()
    bench.service.start(on_ready=ready.set)
    assert ready.wait(10)
    bench.service.stop(10)
    told = [each.message for each in caplog.records if "configured name" in each.message]
    assert len(told) == 2
    assert "'away'" in told[0]
    assert "'bad', which stands for 'gone'" in told[1]


def test_settings_that_no_model_follows_are_logged_once_and_after_each_change(
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings = FakeModelSettings()
    bench = Bench(settings=settings)

    def told() -> list[str]:
        return [each.message for each in caplog.records if "is not followed" in each.message]

    tables: tuple[tuple[dict[str, object], int], ...] = (
        ({"gone": {}, MODEL.name: {"vae": "hard"}}, 2),
        ({}, 2),
        ({"far": {}}, 3),
        ({"far": {}, "gone": {}}, 4),
    )
    for document, count in tables:
        settings.document = document
        bench.registry.refresh()
        bench.service._tell_of_settings()
        bench.service._tell_of_settings()
        assert len(told()) == count
    bench.service.stop(10)
    assert told()[0] == "a setting of a model is not followed: [gone] names no model"
    assert "a.safetensors does not follow vae" in told()[1]


def test_a_missing_device_is_fatal(bench: Bench) -> None:
    bench.generator.unavailable = DeviceUnavailable("no cuda here")
    fatal: Future[DomainError] = Future()
    bench.service.start(on_fatal=fatal.set_result)
    assert isinstance(fatal.result(10), DeviceUnavailable)
    with pytest.raises(ShuttingDown):
        bench.registry.refresh()
        bench.job_service.submit(REQUEST, caller="me")
    bench.service.stop(10)
    assert [thread.name for thread in threading.enumerate() if thread.name == "scanner"] == []


def test_it_starts_once(bench: Bench) -> None:
    bench.service.start()
    with pytest.raises(RuntimeError, match="started before"):
        bench.service.start()


def test_stopping_abandons_what_takes_too_long(bench: Bench) -> None:
    running = begin_drawing(bench)
    waiting = bench.job_service.submit(REQUEST, caller="you")
    bench.service.stop(0.05)
    for job in (waiting, running):
        with pytest.raises(ShuttingDown):
            job.wait(0)


def test_an_abandoned_job_waits_again_as_if_it_had_never_started(bench: Bench) -> None:
    begin_drawing(bench)
    bench.service.stop(0.05)
    (job,) = bench.jobs.jobs.values()
    assert (job.status, job.attempts) == (JobStatus.QUEUED, 0)


def test_stopping_waits_for_running_jobs_within_the_grace_period(bench: Bench) -> None:
    running = begin_drawing(bench)
    stopping = threading.Thread(target=bench.service.stop, args=(10,))
    stopping.start()
    bench.generator.gate.set()
    assert running.wait(10).request == REQUEST
    stopping.join(10)


def test_a_broken_library_is_fatal_and_nobody_waits_for_ever(bench: Bench) -> None:
    bench.generator.unavailable = ImportError("libcudart.so.13: cannot open")  # type: ignore[assignment]
    fatal: Future[DomainError] = Future()
    bench.registry.refresh()
    waiting = bench.job_service.submit(REQUEST, caller="me")
    bench.service.start(on_fatal=fatal.set_result)
    assert "libcudart" in str(fatal.result(10))
    with pytest.raises(ShuttingDown):
        waiting.wait(10)


def test_a_failing_readiness_callback_stops_nothing(bench: Bench) -> None:
    def on_ready() -> None:
        raise BrokenPipeError

    bench.service.start(on_ready=on_ready)
    new = model_record(b"new", "models/new.ckpt")
    deadline = threading.Event()
    bench.source.files = {new.path: b"new"}
    while [model.id for model in bench.registry.models()] != [new.id]:
        assert not deadline.wait(0.01)
    request = dataclasses.replace(REQUEST, model_id=new.id)
    assert bench.job_service.submit(request, caller="me").wait(10)


def test_jobs_accepted_by_an_earlier_run_are_drawn(bench: Bench) -> None:
    bench.registry.refresh()
    bench.job_service.submit(REQUEST, caller="me")
    later = Bench()
    later.jobs.jobs = bench.jobs.jobs
    later.service.start()
    assert later.job_service.submit(REQUEST, caller="me").wait(10).request == REQUEST
    later.service.stop(10)


def test_a_lost_device_ends_the_process_and_leaves_waiting_jobs_to_the_next(
    bench: Bench,
) -> None:
    fatal: Future[DomainError] = Future()
    bench.service.start(on_fatal=fatal.set_result)
    bench.registry.refresh()
    bench.generator.gate.clear()
    drawn = bench.job_service.submit(REQUEST, caller="me")
    assert bench.generator.began.wait(10)
    waits = bench.job_service.submit(dataclasses.replace(REQUEST, id="waits"), caller="me")
    bench.generator.failures = [DeviceLost("an illegal memory access")]
    bench.generator.gate.set()
    with pytest.raises(DeviceLost):
        drawn.wait(10)
    with pytest.raises(ShuttingDown):
        waits.wait(10)
    assert isinstance(fatal.result(10), DeviceLost)
    assert bench.service.readiness is Readiness.DRAINING
    assert {key.id: job.status.value for key, job in bench.jobs.jobs.items()} == {
        REQUEST.id: "failed",
        "waits": "queued",
    }


def test_an_unreachable_job_store_is_fatal(bench: Bench) -> None:
    bench.jobs.broken = True
    fatal: Future[DomainError] = Future()
    bench.service.start(on_fatal=fatal.set_result)
    assert isinstance(fatal.result(10), StorageUnavailable)


def wait_until_in_use(bench: Bench) -> None:
    while bench.service.readiness is not Readiness.IN_USE:
        time.sleep(0.01)


def test_it_takes_over_when_the_other_service_has_ended(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    ready = threading.Event()
    bench.sole_use.others = True
    bench.service.start(on_ready=ready.set)
    wait_until_in_use(bench)
    assert not ready.is_set()
    bench.sole_use.others = False
    assert ready.wait(10)
    assert bench.service.readiness is Readiness.READY
    assert bench.job_service.submit(REQUEST, caller="me").wait(10).request == REQUEST
    assert [each.message for each in caplog.records if "another service" in each.message] == [
        "another service uses the same data folder"
    ]
    bench.service.stop(10)
    assert not bench.sole_use.taken


def test_it_is_not_ready_before_it_owns_the_jobs(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, given, ready = threading.Event(), threading.Event(), threading.Event()

    def take() -> bool:
        asked.set()
        return given.wait(10)

    monkeypatch.setattr(bench.sole_use, "take", take)
    bench.service.start(on_ready=ready.set)
    assert asked.wait(10)
    bench.registry.refresh()
    assert bench.service.readiness is Readiness.SEEKING_DEVICE
    bench.service._announce(
        {Readiness.READY: ready.set}
    )  # the same as the scanner does at its next scan
    assert not ready.is_set()
    given.set()
    assert ready.wait(10)


def test_it_can_be_stopped_while_another_service_runs(bench: Bench) -> None:
    bench.sole_use.others = True
    bench.service.start()
    wait_until_in_use(bench)
    bench.service.stop(10)
    assert bench.service.readiness is Readiness.DRAINING


def test_a_drawing_that_still_runs_at_the_end_stays_with_this_process(bench: Bench) -> None:
    begin_drawing(bench)
    bench.service.stop(0.05)
    assert bench.sole_use.taken


def test_a_second_stop_waits_too_unless_it_is_urgent(bench: Bench) -> None:
    running = begin_drawing(bench)
    stops = [threading.Thread(target=bench.service.stop, args=(60,)) for _ in range(2)]
    for stop in stops:
        stop.start()
    stops[0].join(0.05)
    assert all(stop.is_alive() for stop in stops)
    bench.service.stop(0)
    with pytest.raises(ShuttingDown):
        running.wait(10)
    bench.generator.gate.set()
    for stop in stops:
        stop.join(10)
        assert not stop.is_alive()


def test_a_service_stopped_before_its_start_starts_nothing(bench: Bench) -> None:
    bench.service.stop(0)
    before = threading.active_count()
    bench.service.start()
    assert threading.active_count() == before
    assert bench.generator.device is None


def test_a_folder_that_cannot_be_closed_does_not_prevent_requeueing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    closing, released = threading.Event(), threading.Event()

    def close() -> None:
        closing.set()
        released.wait(10)

    monkeypatch.setattr(bench.source, "close", close)
    running = begin_drawing(bench)
    stop = threading.Thread(target=bench.service.stop, args=(0,))
    stop.start()
    assert closing.wait(10)
    with pytest.raises(ShuttingDown):
        running.wait(10)
    released.set()
    stop.join(10)
    bench.generator.gate.set()


def test_a_missing_model_is_reported_once_and_readiness_later(bench: Bench) -> None:
    told: list[str] = []
    none, ready = threading.Event(), threading.Event()

    def tell(word: str, event: threading.Event) -> None:
        told.append(word)
        event.set()

    files = dict(bench.source.files)
    bench.source.files.clear()
    bench.service.start(
        on_ready=lambda: tell("ready", ready), on_no_model=lambda: tell("none", none)
    )
    assert none.wait(10)
    assert bench.service.readiness is Readiness.NO_MODEL
    bench.source.files.update(files)
    assert ready.wait(10)
    bench.source.files.clear()
    while bench.service.readiness is not Readiness.NO_MODEL:
        time.sleep(0.01)
    bench.service.stop(10)
    assert told == ["none", "ready"]
