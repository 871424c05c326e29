"""The jobs that fail because of a crash of an earlier process."""

import pytest

from application.job import Job, JobKey
from domain.errors import StorageUnavailable
from tests.unit.jobs.scheduling import Bench, request


def crash(bench: Bench, *names: str) -> None:
    """Act as if the process had crashed while it drew these jobs."""
    for name in names:
        key = JobKey("me", name)
        bench.jobs.jobs[key] = bench.jobs.jobs[key].started(1.0)
    bench.restart()
    bench.crashes.cause = "SIGSEGV (segmentation fault)"


@pytest.fixture
def bench() -> Bench:
    bench = Bench()
    for name in ("deadly", "good"):
        bench.job_service.submit(request(name), caller="me")
    return bench


def test_a_job_that_was_drawn_alone_fails_at_once(bench: Bench) -> None:
    crash(bench, "deadly")
    bench.job_service.recover()
    assert bench.statuses == {"deadly": "failed", "good": "queued"}
    failure = bench.job_service.find("me", "deadly").job.failure
    assert failure is not None
    assert failure.code == "generation_failed"
    assert "SIGSEGV (segmentation fault)" in failure.detail
    assert [job.request.id for job in bench.observer.ended] == ["deadly"]


def test_a_request_before_the_recovery_gets_the_same_answer(bench: Bench) -> None:
    crash(bench, "deadly")
    assert bench.job_service.cancel("me", "deadly").job.status == "failed"
    bench.job_service.recover()
    assert bench.statuses == {"deadly": "failed", "good": "queued"}


def test_each_of_several_suspects_is_retried_alone(bench: Bench) -> None:
    crash(bench, "deadly", "good")
    bench.job_service.recover()
    assert bench.statuses == {"deadly": "queued", "good": "queued"}
    crash(bench, "deadly")
    bench.job_service.recover()
    assert bench.statuses == {"deadly": "failed", "good": "queued"}


def test_a_recovery_that_stops_halfway_leaves_no_single_suspect(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    crash(bench, "deadly", "good")
    update = bench.jobs.update

    def fail_after_the_first(job: Job, *, patiently: bool = False) -> None:
        update(job, patiently=patiently)
        bench.jobs.broken = True

    monkeypatch.setattr(bench.jobs, "update", fail_after_the_first)
    with pytest.raises(StorageUnavailable):
        bench.job_service.recover()
    monkeypatch.undo()
    bench.jobs.broken = False
    bench.restart()  # as a supervisor does then
    bench.job_service.recover()
    assert bench.statuses == {"deadly": "queued", "good": "queued"}


def test_a_crash_counts_only_for_the_process_before_this_one(bench: Bench) -> None:
    crash(bench, "deadly")
    bench.job_service.recover()
    assert bench.crashes.begun
    bench.jobs.jobs[JobKey("me", "good")] = bench.jobs.jobs[JobKey("me", "good")].started(1.0)
    bench.restart()  # as if it had been killed
    bench.job_service.recover()
    assert bench.statuses["good"] == "queued"


def test_a_crash_of_an_idle_process_affects_no_job(bench: Bench) -> None:
    crash(bench)
    bench.job_service.recover()
    assert bench.statuses == {"deadly": "queued", "good": "queued"}


def test_a_crash_is_remembered_while_the_store_fails(bench: Bench) -> None:
    crash(bench, "deadly")
    bench.jobs.broken = True
    with pytest.raises(StorageUnavailable):
        bench.job_service.recover()
    bench.jobs.broken = False
    bench.job_service.recover()
    assert bench.statuses == {"deadly": "failed", "good": "queued"}


@pytest.mark.parametrize("end", ["requeue", "close"])
def test_a_process_that_ends_normally_is_not_recorded(bench: Bench, end: str) -> None:
    bench.job_service.recover()
    bench.job_service.abandon()
    if end == "requeue":
        bench.job_service.requeue_running()
    else:
        bench.records.close()
    assert not bench.crashes.begun


def test_a_suspect_is_drawn_and_stored_before_and_after_the_others() -> None:
    bench = Bench()
    for name in ("first", "suspect", "last"):
        bench.job_service.submit(request(name), caller="me")
    key = JobKey("me", "suspect")
    bench.jobs.jobs[key] = bench.jobs.jobs[key].started(1.0).recovered(2.0)
    bench.restart()
    bench.job_service.recover()
    begun_with: list[tuple[str, int]] = []
    bench.generator.on_begin = lambda requests: begun_with.append(
        (requests[0].id, list(bench.statuses.values()).count("running"))
    )
    bench.job_service.drain()
    bench.job_service.run_forever()
    assert [name for name, _ in begun_with] == ["first", "last", "suspect"]
    assert ("suspect", 1) in begun_with
