"""Pictures whose files are gone: the next request for them draws them again, once."""

import threading

import pytest

from application.job import JobStatus
from domain.errors import IdConflict, ModelNotFound, OutOfMemory, PicturesLost, QueueFull
from domain.generation.any_request import AnyResult
from tests.unit.jobs.scheduling import Bench, request


@pytest.fixture
def first(bench: Bench) -> AnyResult:
    """Return the result of a job of two pictures with a random seed. Its files are deleted."""
    submission = bench.job_service.submit(request(seed=None, num_images=2), caller="me")
    bench.job_service.run_once()
    bench.results.files.clear()
    return submission.wait(0)


def again(bench: Bench) -> AnyResult:
    submission = bench.job_service.submit(request(seed=None, num_images=2), caller="me")
    assert submission.view.job.status is JobStatus.QUEUED
    bench.job_service.run_once()
    return submission.wait(0)


@pytest.mark.parametrize("restarted", [False, True])
def test_the_same_request_draws_lost_pictures_with_the_same_seeds(
    bench: Bench, first: AnyResult, restarted: bool
) -> None:
    if restarted:
        bench.restart()
    assert again(bench).images == first.images
    assert len(bench.generator.drawn) == 2
    replayed = bench.job_service.submit(request(seed=None, num_images=2), caller="me")
    assert replayed.wait(0).images == first.images
    assert bench.job_service.image("me", "r1", 1) == first.images[1].data
    assert len(bench.generator.drawn) == 2


def test_one_lost_or_truncated_file_is_enough(bench: Bench) -> None:
    first = bench.job_service.submit(request(num_images=2), caller="me")
    bench.job_service.run_once()
    for broken in (lambda kept: kept[:1], lambda kept: (kept[0], kept[1][:-1])):
        bench.results.files = {token: broken(kept) for token, kept in bench.results.files.items()}
        assert bench.job_service.image("me", "r1", 0) == first.wait(0).images[0].data
        with pytest.raises(PicturesLost, match="r1"):
            bench.job_service.image("me", "r1", 1)
        submission = bench.job_service.submit(request(num_images=2), caller="me")
        bench.job_service.run_once()
        assert submission.wait(0).images == first.wait(0).images
        assert set(bench.results.files) == {job.token for job in bench.jobs.jobs.values()}


def test_many_requests_for_lost_pictures_draw_them_once(bench: Bench, first: AnyResult) -> None:
    results = []

    def ask() -> None:
        submission = bench.job_service.submit(request(seed=None, num_images=2), caller="me")
        results.append(submission.wait(10).images)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    with bench.worker():
        bench.generator.gate.clear()
        for thread in threads:
            thread.start()
        bench.generator.gate.set()
        for thread in threads:
            thread.join(10)
    assert results == [first.images] * 8
    assert len(bench.generator.drawn) == 2


def test_a_result_that_cannot_be_drawn_again_now_is_unchanged(
    bench: Bench, first: AnyResult
) -> None:
    with pytest.raises(IdConflict):
        bench.job_service.submit(request(prompt="another"), caller="me")
    files = dict(bench.source.files)
    bench.source.files.clear()
    bench.registry.refresh()
    with pytest.raises(ModelNotFound):
        again(bench)
    bench.source.files.update(files)
    bench.registry.refresh()
    while not bench.job_service.full:
        bench.job_service.submit(request(f"waits-{bench.job_service.waiting}"), caller="you")
    with pytest.raises(QueueFull):
        again(bench)
    assert bench.statuses["r1"] == "succeeded"
    bench.job_service.drain()
    bench.job_service.run_forever()
    bench.restart()
    assert again(bench).images == first.images


def test_a_failed_second_drawing_is_a_failure_like_any_other(
    bench: Bench, first: AnyResult
) -> None:
    bench.generator.failures = [OutOfMemory("too large")]
    with pytest.raises(OutOfMemory):
        again(bench)
    assert bench.statuses == {"r1": "failed"}
    seeds = [image.seed for image in again(bench).images]
    assert len(seeds) == len(first.images)
