"""Several workers take from one queue: no job is drawn twice, and none is lost."""

import itertools
import random
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from application.job import Job, JobKey, JobStatus
from application.jobs.worker import DeviceWorker
from domain.errors import (
    DeviceLost,
    DomainError,
    GenerationFailed,
    JobCancelled,
    StorageUnavailable,
)
from domain.generation.request import GenerationRequest
from tests.fakes.image_generator import FakeImageGenerator
from tests.unit.jobs.scheduling import MODEL, OTHER_MODEL, Bench, request

COUNTS = pytest.mark.parametrize("devices", [2, 8])


@contextmanager
def working(bench: Bench) -> Iterator[list[BaseException]]:
    """All workers draw until the queue is empty; what the threads raised, once they have ended."""
    raised: list[BaseException] = []

    def work(worker: DeviceWorker) -> None:
        try:
            worker.run_forever()
        except BaseException as error:
            worker.leave()
            raised.append(error)

    threads = [
        threading.Thread(target=work, args=(worker,)) for worker in bench.job_service.workers
    ]
    for thread in threads:
        thread.start()
    try:
        yield raised
    finally:
        for generator in bench.generators:
            generator.gate.set()
        bench.job_service.drain()
        for thread in threads:
            thread.join(60)
        assert not any(thread.is_alive() for thread in threads)


def drawn(bench: Bench) -> Counter[str]:
    """How often each job was drawn to its end, by all devices."""
    return Counter(each.id for generator in bench.generators for each in generator.drawn)


def ended(bench: Bench) -> Counter[str]:
    """How often the end of each job was told."""
    return Counter(name for name, *_ in bench.observer.outcomes)


@COUNTS
def test_each_job_is_drawn_by_one_worker(devices: int) -> None:
    bench = Bench(max_queue=500, devices=devices, largest_batch=4)
    names = [f"r{number}" for number in range(200)]
    with working(bench):
        jobs = {
            name: bench.job_service.submit(
                request(name, model_id=random.choice([MODEL, OTHER_MODEL]).id),
                caller=f"caller {number % 5}",
            )
            for number, name in enumerate(names)
        }
        for name, job in jobs.items():
            assert job.wait(30).request.id == name
    assert drawn(bench) == Counter(names)
    assert ended(bench) == Counter(names)
    assert set(bench.statuses.values()) == {"succeeded"}
    assert bench.job_service.load.running == 0


@COUNTS
def test_the_workers_draw_at_the_same_time(devices: int) -> None:
    bench = Bench(max_queue=50, devices=devices)
    for generator in bench.generators:
        generator.gate.clear()
    with working(bench):
        for number in range(devices):
            bench.job_service.submit(request(f"r{number}"), caller="me")
        assert all(generator.began.wait(30) for generator in bench.generators)
        assert bench.job_service.load.running == devices
        views = bench.job_service.unfinished("me")
        assert [view.job.status for view in views] == [JobStatus.RUNNING] * devices
    assert drawn(bench) == Counter(f"r{number}" for number in range(devices))


@COUNTS
def test_cancels_end_the_jobs_that_they_name_alone(devices: int) -> None:
    bench = Bench(max_queue=500, devices=devices, largest_batch=4)
    rng = random.Random(devices)
    names = [f"r{number}" for number in range(200)]
    cancelled: set[str] = set()
    with working(bench):
        jobs = {}
        for name in names:
            jobs[name] = bench.job_service.submit(request(name), caller="me")
            if rng.random() < 0.4:
                victim = rng.choice(list(jobs))
                bench.job_service.cancel("me", victim)
                cancelled.add(victim)
        outcomes = {}
        for name, job in jobs.items():
            try:
                job.wait(30)
                outcomes[name] = "succeeded"
            except JobCancelled:
                outcomes[name] = "cancelled"
    assert bench.statuses == outcomes
    assert ended(bench) == Counter(names)
    assert {name for name, end in outcomes.items() if end == "cancelled"} <= cancelled
    assert max(drawn(bench).values()) == 1


def test_a_worker_reports_and_cancels_its_own_jobs() -> None:
    bench = Bench(devices=2)
    for generator in bench.generators:
        generator.gate.clear()
    with working(bench):
        jobs = {name: bench.job_service.submit(request(name), caller="me") for name in ("a", "b")}
        assert all(generator.began.wait(30) for generator in bench.generators)
        bench.job_service.cancel("me", "a")
        for generator in bench.generators:
            generator.gate.set()
        with pytest.raises(JobCancelled):
            jobs["a"].wait(30)
        assert jobs["b"].wait(30).images
    assert bench.statuses == {"a": "cancelled", "b": "succeeded"}


@COUNTS
def test_when_a_worker_is_lost_its_jobs_fail_and_the_others_go_on(devices: int) -> None:
    bench = Bench(max_queue=500, devices=devices, largest_batch=4)
    lost = bench.generators[0]
    lost.failures = [DeviceLost("it fell off the bus")]
    names = [f"r{number}" for number in range(100)]
    jobs = {name: bench.job_service.submit(request(name), caller="me") for name in names}
    failed = set()
    with working(bench) as raised:
        for name, job in jobs.items():
            try:
                job.wait(30)
            except DeviceLost:
                failed.add(name)
    assert [type(error) for error in raised] == [DeviceLost]
    assert failed
    assert {name for name, end in bench.statuses.items() if end == "failed"} == failed
    assert drawn(bench) == Counter(set(names) - failed)
    assert ended(bench) == Counter(names)
    assert lost.drawn == []


def test_a_lost_worker_that_comes_back_changes_nothing() -> None:
    bench = Bench(devices=2)
    stuck, good = bench.generators
    stuck.gate.clear()
    worker = bench.job_service.workers[0]
    thread = threading.Thread(target=worker.run_forever)
    job = bench.job_service.submit(request("stuck"), caller="me")
    thread.start()
    assert stuck.began.wait(30)
    assert worker.leave()
    assert not worker.leave()
    worker.fail_running(GenerationFailed("the device was lost"))
    with pytest.raises(GenerationFailed, match="was lost"):
        job.wait(30)
    again = bench.job_service.submit(request("stuck"), caller="me")
    stuck.gate.set()
    thread.join(30)
    assert not thread.is_alive()
    assert stuck.drawn == []
    bench.job_service.workers[1].run_once()
    assert again.wait(30).images
    assert [each.id for each in good.drawn] == ["stuck"]
    assert bench.observer.outcomes == [
        ("stuck", "failed", "generation_failed"),
        ("stuck", "succeeded", None),
    ]


def test_what_each_worker_draws_is_requeued_when_the_service_stops() -> None:
    bench = Bench(devices=2)
    for generator in bench.generators:
        generator.gate.clear()
    with working(bench):
        for name in ("a", "b", "c"):
            bench.job_service.submit(request(name), caller="me")
        assert all(generator.began.wait(30) for generator in bench.generators)
        bench.job_service.abandon()
        bench.job_service.requeue_running()
        assert set(bench.statuses.values()) == {"queued"}
    assert [job.attempts for job in bench.jobs.jobs.values()] == [0, 0, 0]


def test_a_job_that_crashed_a_process_is_drawn_while_no_worker_draws_another() -> None:
    bench = Bench(max_queue=50, devices=4)
    names = [f"r{number}" for number in range(8)]
    for name in ("suspect", *names):
        bench.job_service.submit(request(name), caller=name)
    key = JobKey("suspect", "suspect")
    bench.jobs.jobs[key] = bench.jobs.jobs[key].started(1.0).recovered(2.0)
    bench.restart()
    bench.job_service.recover()
    beside: list[int] = []

    def begin(requests: Sequence[GenerationRequest]) -> None:
        running = list(bench.statuses.values()).count("running")
        if requests[0].id == "suspect":
            beside.append(running)
        else:
            assert bench.statuses["suspect"] != "running"

    for generator in bench.generators:
        generator.on_begin = begin
    with working(bench):
        pass
    assert beside == [1]
    assert drawn(bench) == Counter(["suspect", *names])
    assert set(bench.statuses.values()) == {"succeeded"}


def test_no_job_starts_beside_one_that_crashed_a_process() -> None:
    bench = Bench(devices=2)
    bench.job_service.submit(request("suspect"), caller="me")
    key = JobKey("me", "suspect")
    bench.jobs.jobs[key] = bench.jobs.jobs[key].started(1.0).recovered(2.0)
    bench.restart()
    bench.job_service.recover()
    other = threading.Thread(target=bench.job_service.workers[1].run_forever)
    beside: list[bool] = []

    def begin(_requests: Sequence[GenerationRequest]) -> None:
        bench.job_service.submit(request("other"), caller="me")
        other.start()
        beside.append(bench.generators[1].began.wait(0.3))

    bench.generators[0].on_begin = begin
    bench.job_service.run_once()
    bench.job_service.drain()
    other.join(30)
    assert beside == [False]
    assert drawn(bench) == Counter(["suspect", "other"])


def test_a_job_goes_to_the_idle_worker_that_has_its_model_loaded() -> None:
    bench = Bench(devices=2, max_queue=50)
    first, second = bench.generators
    for number, model in enumerate([MODEL, OTHER_MODEL]):
        bench.job_service.submit(request(f"warm {number}", model_id=model.id), caller="me")
        bench.job_service.workers[number].run_once()
    with working(bench):
        for number in range(20):
            model = (OTHER_MODEL, MODEL)[number % 2]
            job = bench.job_service.submit(request(f"r{number}", model_id=model.id), caller="me")
            job.wait(30)
    assert {each.model_id for each in first.drawn} == {MODEL.id}
    assert {each.model_id for each in second.drawn} == {OTHER_MODEL.id}


def test_no_job_starves_beside_workers_that_prefer_their_models() -> None:
    bench = Bench(devices=2, max_queue=200)
    bench.job_service.submit(request("warm"), caller="me")
    bench.job_service.workers[0].run_once()
    bench.job_service.submit(request("other", model_id=OTHER_MODEL.id), caller="you")
    for number in range(20):
        bench.job_service.submit(request(f"r{number}"), caller=f"caller {number}")
    for _ in range(5):
        bench.job_service.workers[0].run_once()
    order = [each.id for each in bench.generators[0].drawn]
    assert "other" in order


def test_a_deadline_counts_all_workers() -> None:
    bench = Bench(devices=2, max_queue=50)
    bench.job_service.submit(request("measured"), caller="me")
    bench.job_service.run_once()
    for number in range(4):
        bench.job_service.submit(request(f"r{number}"), caller="me")
    # A job takes 0.54 s: two workers have drawn four of them after 1.08 s.
    job = bench.job_service.submit(request("soon"), caller="me", within=1.7)
    assert job.view.position == 5
    with pytest.raises(DomainError, match="would"):
        bench.job_service.submit(request("too late"), caller="me", within=1.5)


def test_the_speed_is_that_of_all_workers() -> None:
    bench = Bench(devices=2)
    seen: list[float] = []
    inner = bench.job_service.workers[1]

    def tick() -> None:
        bench.clock.now += 0.25

    def begin_the_other(generator: FakeImageGenerator) -> None:
        bench.generators[0].after_step = lambda _step: None
        bench.generators[1].after_step = lambda step: (
            seen.append(bench.job_service.load.steps_per_second) if step.done == 2 else None
        )
        inner.run_once()

    for name in ("a", "b"):
        bench.job_service.submit(request(name, num_inference_steps=4), caller="me")
    bench.on_clock = tick
    bench.generators[0].after_step = lambda step: (
        begin_the_other(bench.generators[1]) if step.done == 2 else None
    )
    bench.job_service.run_once()
    assert seen == [8.0]


def test_jobs_that_a_dying_worker_has_taken_and_not_begun_are_drawn_by_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench = Bench(max_queue=50, devices=2, largest_batch=4)
    first, second = bench.job_service.workers
    for number in range(6):
        bench.job_service.submit(request(f"before {number}"), caller="me")
    while bench.job_service.waiting:
        first.run_once()  # learns to draw several together
    jobs = [bench.job_service.submit(request(f"r{number}"), caller="me") for number in range(4)]
    update, calls = bench.jobs.update, itertools.count(1)

    def fail(job: Job, *, patiently: bool = False) -> None:
        if next(calls) == 2:
            raise MemoryError
        update(job, patiently=patiently)

    monkeypatch.setattr(bench.jobs, "update", fail)
    with pytest.raises(MemoryError):
        first.run_once()
    assert first.leave()
    first.fail_running(GenerationFailed("the device was lost"))
    bench.job_service.drain()
    second.run_forever()
    for job in jobs[:2]:
        with pytest.raises(GenerationFailed):
            job.wait(0)
    for job in jobs[2:]:
        assert job.wait(0).images


@pytest.mark.parametrize("lost_end", ["the earlier", "the later"])
def test_a_job_that_ends_after_the_one_that_took_its_id_changes_nothing_of_that_one(
    monkeypatch: pytest.MonkeyPatch, lost_end: str
) -> None:
    bench = Bench(devices=2)
    first, second = bench.job_service.workers
    update, broken = bench.jobs.update, False

    def fail(job: Job, *, patiently: bool = False) -> None:
        if broken and job.status.finished:
            raise StorageUnavailable("the store is broken")
        update(job, patiently=patiently)

    monkeypatch.setattr(bench.jobs, "update", fail)
    bench.generator.gate.clear()
    bench.job_service.submit(request("a"), caller="me")
    thread = threading.Thread(target=first.run_once)
    thread.start()
    assert bench.generator.began.wait(30)
    bench.job_service.cancel("me", "a")
    again = bench.job_service.submit(request("a"), caller="me")
    broken = lost_end == "the later"
    second.run_once()
    assert again.wait(0).images
    broken = lost_end == "the earlier"
    bench.generator.gate.set()
    thread.join(30)
    assert bench.job_service.find("me", "a").job.status == "succeeded"
    broken = False
    bench.records.tidy()
    assert bench.statuses == {"a": "succeeded"}
