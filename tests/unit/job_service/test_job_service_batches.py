"""Jobs that are drawn together, and what one of them may do to the others: nothing."""

import dataclasses
import threading
from typing import Any

import pytest

from application.job import JobStatus
from domain.errors import GenerationFailed, JobCancelled, OutOfMemory
from domain.generation.raster import Raster
from domain.generation.request import GenerationRequest
from domain.services.drawing_watchers import GenerationStep
from tests.fakes.picture_codec import FakePictureCodec
from tests.unit.jobs.scheduling import MODEL, Bench, request


@pytest.fixture
def bench() -> Bench:
    bench = Bench(largest_batch=4)
    for number in range(3):  # full batches of 1 and 2, so that 4 may be drawn together
        for image in range(2**number):
            bench.job_service.submit(request(f"warm {number}.{image}"), caller="warm")
        bench.job_service.run_once()
    while bench.job_service.waiting:
        bench.job_service.run_once()
    bench.generator.batches.clear()
    bench.generator.drawn.clear()
    return bench


def submit(bench: Bench, *names: str) -> None:
    for name in names:
        bench.job_service.submit(request(name, seed=ord(name)), caller=f"caller of {name}")


def status(bench: Bench, name: str) -> JobStatus:
    return bench.job_service.find(f"caller of {name}", name).job.status


def test_equal_shapes_of_different_callers_are_drawn_together(bench: Bench) -> None:
    submit(bench, "a", "b", "c", "d", "e")
    bench.job_service.run_once()
    assert bench.generator.batches == [("a", "b", "c", "d")]
    bench.job_service.run_once()
    assert bench.generator.batches[1:] == [("e",)]


def test_a_picture_is_the_same_alone_and_in_a_batch(bench: Bench) -> None:
    submit(bench, "a", "b")
    bench.job_service.run_once()
    alone = Bench()
    submit(alone, "b")
    alone.job_service.run_once()
    assert bench.job_service.image("caller of b", "b", 0) == alone.job_service.image(
        "caller of b", "b", 0
    )


def test_after_a_failed_batch_its_members_are_drawn_alone(bench: Bench) -> None:
    submit(bench, "a", "b", "c")
    bench.generator.failures = [GenerationFailed("one of them"), GenerationFailed("this one")]
    bench.job_service.run_once()
    assert [status(bench, name) for name in "abc"] == [
        JobStatus.FAILED,
        JobStatus.SUCCEEDED,
        JobStatus.SUCCEEDED,
    ]
    assert bench.generator.batches == [("b",), ("c",)]


def test_a_cancelled_member_leaves_the_others_running(bench: Bench) -> None:
    submit(bench, "a", "b")
    waiter = bench.job_service.submit(request("a", seed=ord("a")), caller="caller of a")

    def cancel(_requests: object) -> None:
        bench.job_service.cancel("caller of a", "a")

    bench.generator.on_begin = cancel
    bench.job_service.run_once()
    assert [status(bench, name) for name in "ab"] == [JobStatus.CANCELLED, JobStatus.SUCCEEDED]
    with pytest.raises(JobCancelled):
        waiter.wait(0)
    assert bench.generator.batches == [("a", "b")]


def test_if_all_members_are_cancelled_the_drawing_stops(bench: Bench) -> None:
    submit(bench, "a", "b")

    def cancel(requests: object) -> None:
        for name in "ab":
            bench.job_service.cancel(f"caller of {name}", name)

    bench.generator.on_begin = cancel
    bench.job_service.run_once()
    assert bench.generator.drawn == []
    assert {status(bench, name) for name in "ab"} == {JobStatus.CANCELLED}


def test_a_member_cancelled_while_drawn_alone_leaves_the_next_ones(bench: Bench) -> None:
    submit(bench, "a", "b", "c")
    bench.generator.failures = [GenerationFailed("together")]

    def cancel(requests: list[GenerationRequest]) -> None:
        if [each.id for each in requests] == ["b"]:
            bench.job_service.cancel("caller of b", "b")

    bench.generator.on_begin = cancel  # type: ignore[assignment]
    bench.job_service.run_once()
    assert [status(bench, name) for name in "abc"] == [
        JobStatus.SUCCEEDED,
        JobStatus.CANCELLED,
        JobStatus.SUCCEEDED,
    ]


def test_out_of_memory_halves_the_batch(bench: Bench) -> None:
    bench.generator.fits = 2
    submit(bench, "a", "b", "c", "d")
    bench.job_service.run_once()
    assert {status(bench, name) for name in "abcd"} == {JobStatus.SUCCEEDED}
    assert bench.observer.batches[-1] == 2


def test_the_limit_settles_on_what_fits(bench: Bench) -> None:
    bench.generator.fits = 2
    for turn in range(6):
        submit(bench, *(chr(0x4E00 + number) for number in range(6 * turn, 6 * turn + 6)))
        while bench.job_service.waiting:
            bench.job_service.run_once()
    assert bench.observer.batches[-6:] == [2] * 6


def test_one_request_of_many_images_is_split_before_it_fails(bench: Bench) -> None:
    bench.generator.fits = 1
    bench.job_service.submit(request("many", num_images=4), caller="me")
    bench.job_service.run_once()
    assert bench.job_service.find("me", "many").job.status is JobStatus.SUCCEEDED
    bench.generator.fits = 0
    job = bench.job_service.submit(request("too many", num_images=4), caller="me")
    bench.job_service.run_once()
    with pytest.raises(OutOfMemory):
        job.wait(0)


def test_an_idle_device_waits_no_longer_than_the_batch_window() -> None:
    bench = Bench(largest_batch=4, batch_window=0.05)
    for number in range(2):
        bench.job_service.submit(request(f"warm {number}"), caller="warm")
        bench.job_service.run_once()
    bench.generator.batches.clear()
    came = threading.Event()
    bench.generator.on_begin = lambda _requests: came.set()
    with bench.worker():
        submit(bench, "a")
        assert came.wait(10)
    assert bench.generator.batches == [("a",)]


class SlowCodec(FakePictureCodec):
    """Encodes when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.may_encode = threading.Event()

    def encode(self, *arguments: Any, **options: Any) -> bytes:
        assert self.may_encode.wait(30)
        return super().encode(*arguments, **options)


def test_the_next_job_is_drawn_while_the_last_pictures_are_encoded() -> None:
    bench = Bench()
    bench.codec = codec = SlowCodec()
    bench.restart()
    drawn: dict[str, threading.Event] = {name: threading.Event() for name in "abc"}

    def last_step(step: GenerationStep) -> None:
        if step.done == step.total:
            drawn["abc"[len(bench.generator.batches)]].set()

    bench.generator.after_step = last_step
    jobs = {name: bench.job_service.submit(request(name), caller="me") for name in "abc"}
    with bench.worker() as worker:
        assert drawn["a"].wait(10)
        assert drawn["b"].wait(10)
        with pytest.raises(TimeoutError):
            jobs["a"].wait(0)
        assert not drawn["c"].is_set()  # at most one batch waits for its encoding
        bench.job_service.drain()
        codec.may_encode.set()
        worker.join(10)
    assert {name: job.wait(0).request.id for name, job in jobs.items()} == {n: n for n in "abc"}
    assert bench.statuses == {"a": "succeeded", "b": "succeeded", "c": "succeeded"}


def test_a_picture_that_cannot_be_encoded_fails_only_its_own_job() -> None:
    bench = Bench(largest_batch=2)

    class PartlyBroken(FakePictureCodec):
        def encode(self, raster: Raster, text: str | None, *more: Any, **options: Any) -> bytes:
            if "bad" in (text or ""):
                raise MemoryError
            return super().encode(raster, text, *more, **options)

    bench.codec = PartlyBroken()
    bench.restart()
    for name in ("first", "good", "bad", "after"):
        bench.job_service.submit(request(name, prompt=name), caller="me")
    with bench.worker():
        pass
    assert bench.statuses == {
        "first": "succeeded",
        "good": "succeeded",
        "bad": "failed",
        "after": "succeeded",
    }


def test_requests_that_are_drawn_alone_are_not_a_batch(bench: Bench) -> None:
    folder = dataclasses.replace(MODEL, id="f0" * 32, path="models/flux", extension="")
    bench.source.others = (folder,)
    bench.registry.refresh()
    for name in "abcd":
        bench.job_service.submit(request(name, model_id=folder.id), caller=f"caller of {name}")
    for _ in "abcd":
        bench.job_service.run_once()
    assert bench.generator.batches == [("a",), ("b",), ("c",), ("d",)]


def test_a_stored_failure_keeps_nothing_of_the_drawing_alive() -> None:
    bench = Bench()
    failure = GenerationFailed("sizes do not fit")
    failure.__cause__ = ValueError("of the library")
    bench.generator.failures = [failure]
    waiter = bench.job_service.submit(request("a"), caller="caller of a")
    bench.job_service.run_once()
    assert failure.__traceback__ is None
    assert failure.__cause__.__traceback__ is None
    with pytest.raises(GenerationFailed):
        waiter.wait(0)
