"""The id of a request is an idempotency key, per caller."""

import threading
from collections.abc import Sequence

import pytest

from application.job import JobStatus
from application.jobs.live_job import Submission
from domain.errors import (
    IdConflict,
    JobCancelled,
    JobNotFound,
    OutOfMemory,
    ShuttingDown,
)
from domain.generation.any_request import as_drawn
from domain.generation.request import GeneratedImage, GenerationRequest
from domain.generation.upscale_request import UpscaleRequest
from domain.pictures import PictureRef
from tests.unit.jobs.scheduling import Bench, request


def test_equal_ids_draw_once_for_any_number_of_requests(bench: Bench) -> None:
    with bench.worker():
        bench.generator.gate.clear()
        results = []

        def ask() -> None:
            results.append(bench.job_service.submit(request(seed=None), caller="me").wait(10))

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        assert bench.generator.began.wait(10)
        bench.generator.gate.set()
        for thread in threads:
            thread.join(10)
    assert len(bench.generator.drawn) == 1
    assert results == [results[0]] * 8


def test_a_finished_id_is_replayed_even_after_a_restart_and_without_its_model(
    bench: Bench,
) -> None:
    first = bench.job_service.submit(request(seed=None), caller="me")
    bench.job_service.run_once()
    bench.restart()
    bench.source.files.clear()
    bench.registry.refresh()
    bench.clock.now += 50
    again = bench.job_service.submit(request(seed=None), caller="me")
    assert again.wait(0) == first.wait(0)
    assert len(bench.generator.drawn) == 1


def test_a_random_seed_belongs_to_the_id(bench: Bench) -> None:
    first = bench.job_service.submit(request(seed=None), caller="me")
    seed = first.view.job.request.seed
    assert seed is not None
    bench.job_service.submit(request(seed=seed), caller="me")
    with pytest.raises(IdConflict):
        bench.job_service.submit(request(seed=seed + 1), caller="me")
    bench.job_service.submit(request("fixed", seed=5), caller="me")
    with pytest.raises(IdConflict):
        bench.job_service.submit(request("fixed", seed=None), caller="me")


@pytest.mark.parametrize("finished", [False, True])
def test_an_id_with_another_body_is_refused_and_the_first_is_unchanged(
    bench: Bench, finished: bool
) -> None:
    first = bench.job_service.submit(request(), caller="me")
    if finished:
        bench.job_service.run_once()
    with pytest.raises(IdConflict):
        bench.job_service.submit(request(prompt="another"), caller="me")
    if not finished:
        bench.job_service.run_once()
    assert as_drawn(first.wait(0)).request.prompt == "x"


def prompt_of(bench: Bench, caller: str) -> str:
    request = bench.job_service.find(caller, "r1").job.request
    assert isinstance(request, GenerationRequest)
    return request.prompt


def test_ids_are_separate_for_each_caller(bench: Bench) -> None:
    bench.job_service.submit(request(), caller="me")
    bench.job_service.submit(request(prompt="another"), caller="you")
    assert prompt_of(bench, "you") == "another"
    with pytest.raises(JobNotFound):
        bench.job_service.find("they", "r1")


def test_a_failed_and_a_cancelled_id_may_be_sent_again(bench: Bench) -> None:
    bench.generator.failures = [OutOfMemory("too large")]
    bench.job_service.submit(request("failed"), caller="me")
    bench.job_service.run_once()
    bench.job_service.submit(request("cancelled"), caller="me")
    bench.job_service.cancel("me", "cancelled")
    for name in ("failed", "cancelled"):
        again = bench.job_service.submit(request(name), caller="me")
        bench.job_service.run_once()
        assert again.wait(0).request.id == name


def test_an_id_sent_again_after_its_cancel_is_drawn_after_the_stopping_one(
    bench: Bench,
) -> None:
    begun: list[str] = []
    sent: list[Submission] = []

    def cancel_and_send_again(requests: Sequence[GenerationRequest]) -> None:
        begun.extend(each.prompt for each in requests)
        if len(begun) == 1:
            bench.job_service.cancel("me", "r1")
            sent.append(bench.job_service.submit(request(prompt="again"), caller="me"))
            sent.append(bench.job_service.submit(request(prompt="again"), caller="me"))
            assert [each.view.job.status for each in sent] == [JobStatus.QUEUED] * 2

    bench.generator.on_begin = cancel_and_send_again
    first = bench.job_service.submit(request(), caller="me")
    watch = bench.job_service.watch("me", "r1")
    bench.job_service.run_once()
    with pytest.raises(JobCancelled):
        first.wait(0)
    event = watch.next(0)
    assert event is not None
    assert (event.name, event.view.job.status) == ("done", JobStatus.CANCELLED)
    assert bench.job_service.find("me", "r1").job.status is JobStatus.QUEUED
    assert bench.statuses == {"r1": "queued"}
    bench.job_service.run_once()
    assert begun == ["x", "again"]
    assert sent[0].wait(0) == sent[1].wait(0)
    assert as_drawn(sent[0].wait(0)).request.prompt == "again"
    assert bench.statuses == {"r1": "succeeded"}
    assert bench.job_service.waiting == 0


@pytest.mark.parametrize("ends", ["cancelled", "abandoned"])
def test_a_job_sent_again_after_its_cancel_can_be_cancelled_on_its_own(
    bench: Bench, ends: str
) -> None:
    sent = []

    def send_again(_requests: object) -> None:
        bench.job_service.cancel("me", "r1")
        sent.append(bench.job_service.submit(request(), caller="me"))
        if ends == "cancelled":
            assert bench.job_service.cancel("me", "r1").job.status is JobStatus.CANCELLED
        else:
            bench.job_service.abandon()

    bench.generator.on_begin = send_again
    first = bench.job_service.submit(request(), caller="me")
    bench.job_service.run_once()
    error, status = (JobCancelled, "cancelled") if ends == "cancelled" else (ShuttingDown, "queued")
    for submission in (first, *sent):
        with pytest.raises(error):
            submission.wait(0)
    assert bench.statuses == {"r1": status}
    assert bench.generator.drawn == []


def test_a_cancel_that_could_not_be_stored_does_not_hide_the_next_job(
    bench: Bench,
) -> None:
    def cancel_and_send_again(_requests: object) -> None:
        bench.generator.on_begin = lambda _requests: None
        bench.job_service.cancel("me", "r1")
        bench.job_service.submit(request(), caller="me")
        bench.jobs.broken = True

    bench.generator.on_begin = cancel_and_send_again
    bench.job_service.submit(request(), caller="me")
    bench.job_service.run_once()
    bench.jobs.broken = False
    page = bench.job_service.page("me", status=None, before=None, limit=5)
    assert [view.job.status for view in page.jobs] == [JobStatus.QUEUED]
    bench.job_service.run_once()
    assert bench.job_service.find("me", "r1").job.status is JobStatus.SUCCEEDED
    bench.records.tidy()
    assert bench.statuses == {"r1": "succeeded"}


def test_a_cancel_while_the_pictures_are_stored_comes_too_late(bench: Bench) -> None:
    first = bench.job_service.submit(request(), caller="me")
    write = bench.results.write
    joined = []

    def cancel_first(token: str, images: Sequence[GeneratedImage]) -> None:
        bench.job_service.cancel("me", "r1")
        joined.append(bench.job_service.submit(request(), caller="me"))
        write(token, images)

    bench.results.write = cancel_first  # type: ignore[method-assign]
    bench.job_service.run_once()
    assert joined[0].wait(0) == first.wait(0)
    assert len(bench.generator.drawn) == 1
    assert bench.statuses == {"r1": "succeeded"}


def test_a_request_of_another_kind_differs_in_what_was_asked_for(bench: Bench) -> None:
    ref = PictureRef(id="a" * 64, media_type="image/png", size=9, width=8, height=8)
    bench.job_service.submit(request("a"), caller="me")
    with pytest.raises(IdConflict) as caught:
        bench.job_service.submit(UpscaleRequest(id="a", model_id="lanczos", image=ref), caller="me")
    differing = set(caught.value.facts["differing"])
    assert differing >= {"model_id", "prompt"}
    assert not differing & {"loras", "prompt_syntax", "clip_skip", "num_images"}
