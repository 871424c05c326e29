"""Whether jobs can be kept, as far as attempts have told."""

import pytest

from application.job_records import JobRecords
from application.jobs import JobKey
from domain.errors import StorageUnavailable
from tests.fakes.clock import FakeClock
from tests.fakes.stores import FakeJobStore, FakeResultStore, FakeSoleUse


def test_a_store_that_failed_is_worth_another_attempt_after_a_moment() -> None:
    clock, store = FakeClock(1000.0), FakeJobStore()
    records = JobRecords(
        store,
        FakeResultStore(),
        FakeSoleUse(),
        retention_seconds=9,
        retention_bytes=9,
        now=clock,
    )
    assert not records.failing
    store.broken = True
    with pytest.raises(StorageUnavailable):
        records.find(JobKey("me", "r1"))
    said = []
    for clock.now in (1000.0, 1029.9, 1030.0):
        said.append(records.failing)
    assert said == [True, True, False]
