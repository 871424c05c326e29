"""The records of jobs: whether storing works, for how long, and whether pictures are complete."""

import dataclasses

import pytest

from application.job import JobKey
from application.jobs.records import JobRecords
from domain.errors import PicturesLost, StorageUnavailable
from tests.contract.storage.kept_jobs import new_job, succeeded
from tests.fakes.clock import FakeClock
from tests.fakes.stores import FakeJobStore, FakeResultStore, FakeSoleUse


def _records(
    store: FakeJobStore, results: FakeResultStore, *, now: FakeClock, clock: FakeClock
) -> JobRecords:
    return JobRecords(
        store,
        results,
        FakeSoleUse(),
        retention_seconds=100,
        retention_bytes=10**9,
        now=now,
        clock=clock,
    )


@pytest.mark.parametrize("jump", [-3600.0, 0.0, 3600.0])
def test_a_failed_store_is_retried_whatever_the_wall_clock_does(jump: float) -> None:
    now, clock, store = FakeClock(1_000_000.0), FakeClock(50.0), FakeJobStore()
    records = _records(store, FakeResultStore(), now=now, clock=clock)
    assert not records.failing
    store.broken = True
    with pytest.raises(StorageUnavailable):
        records.find(JobKey("me", "r1"))
    now.now += jump
    said = []
    for clock.now in (50.0, 79.9, 80.0):
        said.append(records.failing)
    assert said == [True, True, False]


def test_a_clock_that_is_set_forward_removes_no_job() -> None:
    now, clock, store = FakeClock(1_000_000.0), FakeClock(50.0), FakeJobStore()
    records = _records(store, FakeResultStore(), now=now, clock=clock)
    job = succeeded(store.add(new_job()), at=now.now)
    store.update(job)
    now.now += 10**8
    records.tidy()
    assert store.find(job.key) == job
    clock.now += 100.0
    records.tidy()
    assert store.find(job.key) == job
    clock.now += 0.1
    records.tidy()
    assert store.find(job.key) is None


@pytest.mark.parametrize("place", [0, 20, -1])
def test_a_picture_with_one_changed_byte_is_lost(place: int) -> None:
    results = FakeResultStore()
    records = _records(FakeJobStore(), results, now=FakeClock(), clock=FakeClock())
    job = succeeded(new_job(), size=40)
    picture = bytearray(b"x" * 40)
    results.files[job.token] = (bytes(picture),)
    assert records.image(job, 0) == picture
    picture[place] ^= 1
    results.files[job.token] = (bytes(picture),)
    with pytest.raises(PicturesLost):
        records.image(job, 0)


def test_a_picture_of_an_older_release_is_checked_by_its_size() -> None:
    results = FakeResultStore()
    records = _records(FakeJobStore(), results, now=FakeClock(), clock=FakeClock())
    job = succeeded(new_job(), size=4)
    images = tuple(dataclasses.replace(each, sha256=None) for each in job.images or ())
    job = dataclasses.replace(job, images=images)
    results.files[job.token] = (b"abcd",)
    assert records.image(job, 0) == b"abcd"
    results.files[job.token] = (b"abc",)
    with pytest.raises(PicturesLost):
        records.image(job, 0)
