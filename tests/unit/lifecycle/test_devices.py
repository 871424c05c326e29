"""Several devices in one service: a lost one leaves the others at work."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future

import pytest

from application.jobs.live_job import Submission
from application.lifecycle.devices import DeviceState
from application.lifecycle.service import Readiness
from domain.errors import DeviceLost, DeviceUnavailable, DomainError, GenerationFailed
from domain.generation.request import GenerationRequest
from tests.unit.lifecycle.service_bench import MODEL, STALL_TIMEOUT, Bench


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench(devices=2)
    yield bench
    for generator in bench.generators:
        generator.gate.set()
    bench.service.stop(10)


def start(bench: Bench) -> "Future[DomainError]":
    fatal: Future[DomainError] = Future()
    ready = threading.Event()
    bench.service.start(on_ready=ready.set, on_fatal=fatal.set_result)  # a second call would raise
    assert ready.wait(10)
    return fatal


def submit(bench: Bench, name: str) -> Submission:
    request = GenerationRequest(id=name, model_id=MODEL.id, prompt="x", seed=1)
    return bench.job_service.submit(request, caller="me")


def occupy(bench: Bench) -> list[Submission]:
    """A job for each device, drawn until the gates open."""
    for generator in bench.generators:
        generator.gate.clear()
    jobs = [submit(bench, f"held {number}") for number in range(len(bench.generators))]
    assert all(generator.began.wait(10) for generator in bench.generators)
    return jobs


def until(condition: Callable[[], bool]) -> None:
    pause = threading.Event()
    while not condition():
        assert not pause.wait(0.01)


def wait_for(bench: Bench, *states: DeviceState) -> None:
    until(lambda: sorted(bench.service.device_states.values()) == sorted(states))


def test_when_one_device_is_lost_the_other_goes_on(bench: Bench) -> None:
    fatal = start(bench)
    wait_for(bench, DeviceState.READY, DeviceState.READY)
    jobs = occupy(bench)
    bench.generators[0].failures = [DeviceLost("it fell off the bus")]
    bench.generators[0].gate.set()
    wait_for(bench, DeviceState.LOST, DeviceState.READY)
    bench.generators[1].gate.set()
    assert sorted(map(job_failed, jobs)) == [False, True]
    assert submit(bench, "next").wait(10).images
    assert bench.service.readiness is Readiness.READY
    assert not fatal.done()


def job_failed(job: Submission) -> bool:
    try:
        return not job.wait(10).images
    except DeviceLost:
        return True


def test_when_the_last_device_is_lost_the_service_ends(bench: Bench) -> None:
    fatal = start(bench)
    wait_for(bench, DeviceState.READY, DeviceState.READY)
    jobs = occupy(bench)
    for generator in bench.generators:
        generator.failures = [DeviceLost("no power")]
        generator.gate.set()
    assert isinstance(fatal.result(10), DeviceLost)
    for job in jobs:
        with pytest.raises(DeviceLost):
            job.wait(10)
    assert bench.service.readiness is Readiness.DRAINING


def test_a_device_that_stalls_is_given_up_and_its_job_fails(bench: Bench) -> None:
    fatal = start(bench)
    wait_for(bench, DeviceState.READY, DeviceState.READY)
    jobs = occupy(bench)
    bench.generators[1].gate.set()
    bench.clock.now += STALL_TIMEOUT / 6
    until(lambda: any(map(is_done, jobs)))
    (stuck,) = [job for job in jobs if not is_done(job)]
    assert bench.service.readiness is not Readiness.STANDS_STILL, "the other device would draw"
    bench.clock.now += STALL_TIMEOUT
    wait_for(bench, DeviceState.LOST, DeviceState.READY)
    with pytest.raises(GenerationFailed, match="device was lost"):
        stuck.wait(10)
    assert submit(bench, "next").wait(10).images
    assert not fatal.done()


def is_done(job: Submission) -> bool:
    return job.view.job.status.finished


def test_the_service_is_not_ready_once_all_devices_stall(bench: Bench) -> None:
    start(bench)
    wait_for(bench, DeviceState.READY, DeviceState.READY)
    occupy(bench)
    seen = []
    for seconds in (STALL_TIMEOUT / 6 - 1, 1):
        bench.clock.now += seconds
        seen.append(bench.service.readiness)
    assert seen == [Readiness.READY, Readiness.STANDS_STILL]


def test_a_device_that_is_not_there_leaves_the_other(bench: Bench) -> None:
    bench.generators[0].unavailable = DeviceUnavailable("there is no cuda:0")
    fatal = start(bench)
    wait_for(bench, DeviceState.LOST, DeviceState.READY)
    assert submit(bench, "r1").wait(10).images
    assert not fatal.done()


def test_without_any_device_the_service_ends(bench: Bench) -> None:
    for generator in bench.generators:
        generator.unavailable = DeviceUnavailable("there is none")
    fatal: Future[DomainError] = Future()
    bench.service.start(on_fatal=fatal.set_result)
    assert isinstance(fatal.result(10), DeviceUnavailable)


def test_a_job_store_that_is_not_there_is_told_once(bench: Bench) -> None:
    bench.jobs.broken = True
    fatal: Future[DomainError] = Future()
    bench.service.start(on_fatal=fatal.set_result)
    assert fatal.result(10).code == "storage_unavailable"


def test_draining_lets_each_device_end_what_it_draws(bench: Bench) -> None:
    start(bench)
    wait_for(bench, DeviceState.READY, DeviceState.READY)
    jobs = occupy(bench)
    stopping = threading.Thread(target=bench.service.stop, args=(30,))
    stopping.start()
    bench.generators[0].gate.set()  # its worker ends: no job waits
    until(lambda: any(map(is_done, jobs)))
    bench.generators[1].gate.set()
    stopping.join(30)
    assert all(job.wait(10).images for job in jobs)
