"""A device thread that stalls, or ends with a BaseException."""

import threading
from collections.abc import Iterator
from concurrent.futures import Future

import pytest

from application.lifecycle.service import Readiness
from domain.errors import DeviceLost, DeviceUnavailable, DomainError, GenerationFailed, ShuttingDown
from domain.generation.request import GenerationRequest
from tests.fakes.model_source import model_record
from tests.unit.lifecycle.service_bench import MODEL, STALL_TIMEOUT, Bench

REQUEST = GenerationRequest(id="r1", model_id=MODEL.id, prompt="x", seed=1)


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.generator.gate.set()
    bench.service.stop(10)


def start(bench: Bench, fatal: "Future[DomainError]") -> None:
    ready = threading.Event()
    bench.service.start(on_ready=ready.set, on_fatal=fatal.set_result)
    assert ready.wait(10)


def test_a_stalled_thread_makes_the_service_unready_and_then_ends_it(
    bench: Bench,
) -> None:
    fatal: Future[DomainError] = Future()
    start(bench, fatal)
    bench.generator.gate.clear()
    job = bench.job_service.submit(REQUEST, caller="me")
    assert bench.generator.began.wait(10)
    said = []
    for seconds in (STALL_TIMEOUT / 6 - 1, 1):
        bench.clock.now += seconds
        said.append(bench.service.readiness)
    assert said == [Readiness.READY, Readiness.STANDS_STILL]
    bench.clock.now += STALL_TIMEOUT
    assert isinstance(fatal.result(10), DeviceLost)
    with pytest.raises(GenerationFailed, match="no progress"):
        job.wait(10)
    (kept,) = bench.jobs.jobs.values()
    assert kept.status.value == "failed", "or the next process would start it again"


def test_an_idle_thread_is_not_stalled(bench: Bench) -> None:
    fatal: Future[DomainError] = Future()
    start(bench, fatal)
    assert bench.job_service.submit(REQUEST, caller="me").wait(10).images
    bench.clock.now += 10 * STALL_TIMEOUT
    assert bench.service.readiness is Readiness.READY
    assert not bench.service.look_at_progress(fatal.set_result)


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), BaseException("a panic")])
def test_an_error_at_the_top_of_the_device_thread_is_fatal_and_fails_its_jobs(
    bench: Bench, error: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    fatal: Future[DomainError] = Future()
    start(bench, fatal)
    update = bench.jobs.update

    def fail(*_anything: object, **_options: object) -> None:
        monkeypatch.setattr(bench.jobs, "update", update)
        raise error

    monkeypatch.setattr(bench.jobs, "update", fail)  # when a job starts
    job = bench.job_service.submit(REQUEST, caller="me")
    found = fatal.result(10)
    assert isinstance(found, DeviceUnavailable)
    assert type(error).__name__ in str(found)
    with pytest.raises(GenerationFailed, match="had to end"):
        job.wait(10)
    (kept,) = bench.jobs.jobs.values()
    assert kept.status.value == "failed", "or it would end the next process too"


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), BaseException("a panic")])
def test_a_base_exception_during_a_scan_does_not_stop_later_scans(
    bench: Bench, error: BaseException
) -> None:
    scan = bench.source.scan
    calls: list[int] = []

    def failing():  # type: ignore[no-untyped-def]
        calls.append(1)
        if len(calls) == 1:
            raise error
        return scan()

    bench.source.scan = failing  # type: ignore[method-assign]
    fatal: Future[DomainError] = Future()
    start(bench, fatal)
    new = model_record(b"new", "models/new.ckpt")
    bench.source.files = {new.path: b"new"}
    seen = threading.Event()
    while [model.id for model in bench.registry.models()] != [new.id]:
        assert not seen.wait(0.01)
    assert not fatal.done()


def test_a_store_that_keeps_raising_base_exceptions_is_fatal(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    fatal: Future[DomainError] = Future()
    start(bench, fatal)

    def fail(*_anything: object, **_options: object) -> None:
        raise SystemExit(3)

    monkeypatch.setattr(bench.jobs, "update", fail)
    job = bench.job_service.submit(REQUEST, caller="me")
    assert isinstance(fatal.result(10), DeviceUnavailable)
    with pytest.raises(ShuttingDown):
        job.wait(10)
