"""A database that freezes: it reports no error and gives no answer."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from adapters.storage.bounded_calls import BoundedCalls
from adapters.storage.bounded_job_store import BoundedJobStore
from adapters.storage.sql.database import SqlDatabase
from adapters.storage.sql.job_store import SqlJobStore
from application.job import JobKey
from application.ports.job_store import JobStore
from domain.errors import StorageUnavailable
from tests.contract.storage.kept_jobs import new_job

_LONG = 30.0


class Freezer:
    """A real store whose transactions stop before they commit, while it is frozen."""

    def __init__(self, file: Path) -> None:
        self.thawed = threading.Event()
        self.thawed.set()
        self._calls = BoundedCalls(most=4)
        self._file = file
        self.stores: list[JobStore] = []

    def open(self, seconds: float) -> JobStore:
        """Return a store that abandons a call after this many seconds."""
        inner = SqlJobStore(SqlDatabase(f"sqlite:///{self._file}", before_commit=self._commit))
        self.stores.append(inner)
        return BoundedJobStore(inner, self._calls, seconds=seconds, long_seconds=seconds)

    def wait_until_calls_have_ended(self) -> None:
        """Return when no call is stopped any more."""
        done = threading.Semaphore(0)
        everyone = threading.Barrier(4)

        def meet() -> None:
            everyone.wait(_LONG)
            done.release()

        for _ in range(4):
            threading.Thread(target=self._calls, args=(meet, _LONG), daemon=True).start()
        for _ in range(4):
            assert done.acquire(timeout=_LONG)

    def _commit(self) -> None:
        self.thawed.wait(_LONG)
        self._calls.commit()


@pytest.fixture
def freezer(tmp_path: Path) -> Iterator[Freezer]:
    freezer = Freezer(tmp_path / "jobs.sqlite")
    yield freezer
    freezer.thawed.set()
    freezer.wait_until_calls_have_ended()
    for store in freezer.stores:
        store.close()


CALLS: list[Callable[[JobStore], object]] = [
    lambda store: store.accept(new_job("b")),
    lambda store: store.update(new_job().cancelled(2.0)),
    lambda store: store.update(new_job().cancelled(2.0), patiently=True),
    lambda store: store.find(JobKey("me", "a")),
    lambda store: store.page("me", status=None, before=None, limit=9),
    lambda store: store.unfinished(),
    lambda store: store.tokens(),
    lambda store: store.retire(finished_before=9, keep_bytes=9),
]


@pytest.mark.parametrize("call", CALLS)
def test_a_frozen_database_is_reported_and_changes_nothing_later(
    freezer: Freezer, call: Callable[[JobStore], object]
) -> None:
    patient = freezer.open(_LONG)
    kept = patient.accept(new_job())
    freezer.thawed.clear()
    with pytest.raises(StorageUnavailable, match="does not answer"):
        call(freezer.open(0.3))
    freezer.thawed.set()
    freezer.wait_until_calls_have_ended()
    assert list(patient.page("me", status=None, before=None, limit=9)) == [kept]


def test_closing_a_frozen_store_raises_nothing(freezer: Freezer) -> None:
    store = freezer.open(0.3)
    freezer.thawed.clear()
    with pytest.raises(StorageUnavailable):
        store.accept(new_job())
    store.close()
