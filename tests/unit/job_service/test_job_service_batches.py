"""Jobs that are drawn together, and what one of them may do to the others: nothing."""

import dataclasses
import threading
from collections.abc import Sequence
from typing import Any

import pytest

from application.job import JobStatus
from domain.errors import GenerationFailed, JobCancelled, OutOfMemory
from domain.generation.request import GeneratedImage, GenerationRequest
from domain.ports.image_generator import GeneratedBatch
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
    bench.generator.batches.clear()
    submit(bench, *"efgh")
    bench.job_service.run_once()
    assert bench.generator.batches == [("e", "f")]


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
    bench = Bench(largest_batch=4)
    bench.job_service = type(bench.job_service)(
        bench.job_service._generate_images, bench.records, max_queue=8, batch_wait=0.05
    )
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


class SlowPictures(Sequence[GeneratedImage]):
    """Pictures that are encoded when the test says so."""

    def __init__(self, images: Sequence[GeneratedImage], encoded: threading.Event) -> None:
        self._images = images
        self._encoded = encoded

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, index: Any) -> Any:
        assert self._encoded.wait(30)
        return self._images[index]


def test_the_next_job_is_drawn_while_the_last_pictures_are_encoded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench, encoded = Bench(), threading.Event()
    real = bench.generator.generate
    drawn: dict[str, threading.Event] = {name: threading.Event() for name in "abc"}

    def generate(model: Any, requests: Any, **options: Any) -> GeneratedBatch:
        batch = real(model, requests, **options)
        drawn[requests[0].id].set()
        return dataclasses.replace(
            batch, images=[SlowPictures(images, encoded) for images in batch.images]
        )

    monkeypatch.setattr(bench.generator, "generate", generate)
    jobs = {name: bench.job_service.submit(request(name), caller="me") for name in "abc"}
    with bench.worker() as worker:
        assert drawn["a"].wait(10)
        assert drawn["b"].wait(10)
        with pytest.raises(TimeoutError):
            jobs["a"].wait(0)
        assert not drawn["c"].is_set()  # at most one batch waits for its encoding
        bench.job_service.drain()
        encoded.set()
        worker.join(10)
    assert {name: job.wait(0).request.id for name, job in jobs.items()} == {n: n for n in "abc"}
    assert bench.statuses == {"a": "succeeded", "b": "succeeded", "c": "succeeded"}


def test_a_picture_that_cannot_be_encoded_fails_only_its_own_job(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench = Bench(largest_batch=2)

    class Broken(Sequence[GeneratedImage]):
        def __len__(self) -> int:
            return 1

        def __getitem__(self, index: Any) -> Any:
            raise MemoryError

    real = bench.generator.generate

    def generate(model: Any, requests: Any, **options: Any) -> GeneratedBatch:
        batch = real(model, requests, **options)
        broken = ["bad" in each.id for each in requests]
        return dataclasses.replace(
            batch,
            images=[
                Broken() if bad else each for bad, each in zip(broken, batch.images, strict=True)
            ],
        )

    monkeypatch.setattr(bench.generator, "generate", generate)
    for name in ("first", "good", "bad", "after"):
        bench.job_service.submit(request(name), caller="me")
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
