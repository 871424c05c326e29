"""The end of jobs that cannot be stored, or not by this process."""

from typing import Any

import pytest

from application.job import JobKey, JobStatus
from domain.errors import (
    JobCancelled,
    ShuttingDown,
    StorageInUse,
    StorageUnavailable,
)
from domain.ports.image_generator import DrawnBatch
from tests.unit.jobs.scheduling import Bench, request


def test_a_waiting_client_is_told_of_any_failure_to_store_a_picture(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(*_anything: object) -> None:
        raise MemoryError

    monkeypatch.setattr(bench.results, "write", write)
    job = bench.job_service.submit(request(), caller="me")
    with bench.worker():
        with pytest.raises(MemoryError):
            job.wait(10)  # and no later job is needed for that
        monkeypatch.undo()
        assert bench.job_service.submit(request("next"), caller="me").wait(10)
    assert bench.statuses == {"r1": "failed", "next": "succeeded"}


def test_a_failing_store_refuses_before_the_work_and_loses_nothing(bench: Bench) -> None:
    kept = bench.job_service.submit(request("kept"), caller="me")
    bench.jobs.broken = True
    with pytest.raises(StorageUnavailable):
        bench.job_service.submit(request("new"), caller="me")
    with pytest.raises(StorageUnavailable):
        bench.job_service.cancel("me", "kept")
    assert bench.job_service.waiting == 1
    bench.jobs.broken = False
    bench.job_service.run_once()
    assert kept.wait(0)


def test_a_result_that_cannot_be_stored_is_a_failure_that_is_stored_later(bench: Bench) -> None:
    job = bench.job_service.submit(request(), caller="me")
    bench.results.broken = True
    bench.generator.on_begin = lambda _requests: setattr(bench.jobs, "broken", True)
    bench.job_service.run_once()
    with pytest.raises(StorageUnavailable):
        job.wait(0)
    assert bench.job_service.find("me", "r1").job.status is JobStatus.FAILED
    assert bench.results.files == {}
    bench.jobs.broken = bench.results.broken = False
    bench.generator.on_begin = lambda _requests: None
    assert bench.statuses == {"r1": "running"}
    assert bench.job_service.page("me", status=None, before=None, limit=5).jobs[0].job.failure
    bench.records.tidy()
    assert bench.statuses == {"r1": "failed"}
    again = bench.job_service.submit(request(), caller="me")
    bench.job_service.run_once()
    assert again.wait(0)


def test_jobs_of_another_process_are_visible_and_unchanged(bench: Bench) -> None:
    bench.job_service.submit(request("theirs"), caller="me")
    bench.restart()
    bench.sole_use.others = True
    for change in (
        lambda: bench.job_service.submit(request("theirs"), caller="me"),
        lambda: bench.job_service.submit(request("new"), caller="me"),
        lambda: bench.job_service.cancel("me", "theirs"),
        lambda: bench.job_service.watch("me", "theirs"),
        bench.job_service.recover,
    ):
        with pytest.raises(StorageInUse):
            change()
    assert bench.statuses == {"theirs": "queued"}
    assert bench.job_service.find("me", "theirs").job.status is JobStatus.QUEUED
    page = bench.job_service.page("me", status=None, before=None, limit=5)
    assert [view.job.request.id for view in page.jobs] == ["theirs"]
    bench.sole_use.others = False
    bench.job_service.recover()
    bench.job_service.run_once()
    assert bench.statuses == {"theirs": "succeeded"}


def test_startup_removes_pictures_without_a_job(bench: Bench) -> None:
    bench.job_service.submit(request(), caller="me")
    bench.job_service.run_once()
    pictures = dict(bench.results.files)
    bench.results.files["stray"] = (b"of a process that was killed",)
    bench.restart()
    bench.job_service.recover()
    assert bench.results.files == pictures


def test_startup_with_an_empty_store_removes_no_pictures(bench: Bench) -> None:
    bench.job_service.submit(request(), caller="me")
    bench.job_service.run_once()
    pictures = dict(bench.results.files)
    bench.jobs.jobs.clear()
    bench.restart()
    bench.job_service.recover()
    assert bench.results.files == pictures


def test_closed_records_are_left_to_the_next_process(bench: Bench) -> None:
    bench.job_service.submit(request(), caller="me")
    bench.records.close()
    assert not bench.sole_use.taken
    with pytest.raises(ShuttingDown):
        bench.job_service.submit(request(), caller="me")
    assert not bench.sole_use.taken


@pytest.mark.parametrize("deaths, status", [(2, "succeeded"), (3, "failed")])
def test_a_job_that_keeps_ending_its_process_fails_in_the_end(
    bench: Bench, deaths: int, status: str
) -> None:
    bench.job_service.submit(request("deadly"), caller="me")
    (queued,) = bench.jobs.jobs.values()
    begun = queued
    for _ in range(deaths):
        begun = (begun.recovered(1.0) if begun.attempts else begun).started(1.0)
    bench.jobs.jobs[queued.key] = begun
    bench.restart()
    bench.job_service.recover()
    bench.job_service.submit(request("good"), caller="you")
    bench.job_service.drain()
    bench.job_service.run_forever()
    assert bench.statuses == {"deadly": status, "good": "succeeded"}
    if status == "failed":
        failure = bench.job_service.find("me", "deadly").job.failure
        assert failure is not None
        assert (failure.code, "3 times" in failure.detail) == ("generation_failed", True)
        bench.restart()
        again = bench.job_service.submit(request("deadly"), caller="me")
        bench.job_service.run_once()
        assert again.wait(0).request.id == "deadly"


def end_the_process(bench: Bench, name: str) -> None:
    """Act as if the process had been killed while it drew this."""
    key = JobKey("me", name)
    bench.jobs.jobs[key] = bench.jobs.jobs[key].started(1.0)
    bench.restart()
    bench.job_service.recover()


def drawn(bench: Bench) -> list[str]:
    return [each.id for each in bench.generator.drawn]


def test_jobs_that_may_have_ended_a_process_are_drawn_after_those_that_waited() -> None:
    bench = Bench(largest_batch=4)
    for name, caller in (("deadly", "me"), ("next", "me"), ("other", "you"), ("last", "you")):
        bench.job_service.submit(request(name), caller=caller)
    end_the_process(bench, "deadly")
    bench.job_service.drain()
    bench.job_service.run_forever()
    assert drawn(bench) == ["next", "other", "last", "deadly"]


def test_jobs_that_may_have_ended_a_process_are_drawn_alone() -> None:
    bench = Bench(max_queue=16, largest_batch=4)
    for name in ("deadly", "too", "good"):
        bench.job_service.submit(request(name), caller="me")
    for name in ("deadly", "too"):  # drawn together when the process ended
        key = JobKey("me", name)
        bench.jobs.jobs[key] = bench.jobs.jobs[key].started(1.0)
    bench.restart()
    bench.job_service.recover()
    for number in range(4):  # as many as the limit needs to grow
        bench.job_service.submit(request(f"new {number}"), caller="me")
    bench.job_service.drain()
    bench.job_service.run_forever()
    assert [batch for batch in bench.generator.batches if set(batch) & {"deadly", "too"}] == [
        ("deadly",),
        ("too",),
    ]


def test_jobs_that_ended_an_earlier_process_are_still_drawn_last(bench: Bench) -> None:
    bench.job_service.submit(request("deadly"), caller="me")
    bench.job_service.submit(request("good"), caller="me")
    end_the_process(bench, "deadly")
    bench.restart()
    bench.job_service.recover()
    bench.job_service.drain()
    bench.job_service.run_forever()
    assert drawn(bench) == ["good", "deadly"]


def test_new_jobs_do_not_delay_a_suspected_job_for_ever(bench: Bench) -> None:
    bench.job_service.submit(request("deadly"), caller="me")
    end_the_process(bench, "deadly")
    for number in range(4):
        bench.job_service.submit(request(f"new {number}"), caller=f"caller {number}")
        bench.job_service.run_once()
    assert drawn(bench) == ["new 0", "new 1", "deadly", "new 2"]


def test_a_cancel_after_the_last_step_still_counts(bench: Bench) -> None:
    running = bench.job_service.submit(request(), caller="me")
    draw = bench.generator.draw

    def cancelled_at_its_end(*arguments: Any, **options: Any) -> DrawnBatch:
        batch = draw(*arguments, **options)
        assert bench.job_service.cancel("me", "r1").job.status is JobStatus.RUNNING
        return batch

    bench.generator.draw = cancelled_at_its_end  # type: ignore[method-assign]
    bench.job_service.run_once()
    with pytest.raises(JobCancelled):
        running.wait(0)
    assert bench.statuses == {"r1": "cancelled"}
    assert bench.results.files == {}


def test_pictures_are_not_lost_if_only_the_job_store_fails(bench: Bench) -> None:
    running = bench.job_service.submit(request(), caller="me")

    def break_the_store(_requests: object) -> None:
        bench.jobs.broken = True

    bench.generator.on_begin = break_the_store
    bench.job_service.run_once()
    assert running.wait(0).images
    bench.jobs.broken = False
    assert bench.statuses == {"r1": "running"}
    page = bench.job_service.page("me", status=JobStatus.RUNNING, before=None, limit=5)
    assert page.jobs == ()
    bench.records.tidy()
    assert bench.statuses == {"r1": "succeeded"}
