"""A job store that may freeze, for callers that must not."""

import logging
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import TypeVar

from adapters.storage.bounded_calls import BoundedCalls
from application.job import Job, JobKey, JobStatus
from application.ports.job_store import JobStore
from domain.errors import StorageUnavailable

__all__ = ["BoundedJobStore"]

_SECONDS = 1.5
"""A locked SQLite file is reported after one second. A store that takes longer has frozen."""
_LONG_SECONDS = 15.0
"""The same if no caller waits: a lock is reported after five seconds, and deleting takes time."""

_T = TypeVar("_T")

_log = logging.getLogger(__name__)


class BoundedJobStore(JobStore):
    """Raises StorageUnavailable if the store behind it does not answer.

    An abandoned call changes nothing later, unless it froze during its commit.

    Args:
        store: Calls `calls.commit` before it commits changes.
        calls: Each call of the store runs in it.
        seconds: Time limit of a call that a caller waits for.
        long_seconds: Time limit of any other call.
    """

    def __init__(
        self,
        store: JobStore,
        calls: BoundedCalls,
        *,
        seconds: float = _SECONDS,
        long_seconds: float = _LONG_SECONDS,
    ) -> None:
        self._store = store
        self._calls = calls
        self._seconds = seconds
        self._long_seconds = long_seconds

    def accept(self, job: Job, *, instead_of: str | None = None) -> Job:
        return self._run(partial(self._store.accept, job, instead_of=instead_of))

    def update(self, job: Job, *, patiently: bool = False) -> None:
        update = partial(self._store.update, job, patiently=patiently)
        self._run(update, patiently=patiently)

    def add_bytes(self, job: Job, number: int) -> None:
        self._run(partial(self._store.add_bytes, job, number))

    def remove(self, job: Job) -> None:
        self._run(partial(self._store.remove, job))

    def find(self, key: JobKey) -> Job | None:
        return self._run(partial(self._store.find, key))

    def page(
        self, caller: str, *, status: JobStatus | None, before: int | None, limit: int
    ) -> Sequence[Job]:
        page = partial(self._store.page, caller, status=status, before=before, limit=limit)
        return self._run(page)

    def unfinished(self) -> Sequence[Job]:
        return self._run(self._store.unfinished, patiently=True)

    def tokens(self) -> Collection[str]:
        return self._run(self._store.tokens, patiently=True)

    def retire(self, *, finished_before: float, keep_bytes: int) -> Collection[str]:
        retire = partial(self._store.retire, finished_before=finished_before, keep_bytes=keep_bytes)
        return self._run(retire, patiently=True)

    def close(self) -> None:
        try:
            self._run(self._store.close)
        except StorageUnavailable:
            _log.warning("the job database does not answer, so it is left open")

    def _run(self, call: Callable[[], _T], *, patiently: bool = False) -> _T:
        try:
            return self._calls(call, self._long_seconds if patiently else self._seconds)
        except TimeoutError as error:
            _log.error("the job store failed: %s", error)
            raise StorageUnavailable("the job database does not answer") from error
