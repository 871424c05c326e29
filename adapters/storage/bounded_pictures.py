"""Pictures in a folder and a database that may freeze, for callers that must not."""

import logging
from collections.abc import Callable, Collection
from functools import partial
from typing import TypeVar

from adapters.storage.bounded_calls import BoundedCalls
from application.job import Job
from application.ports.picture_index import KnownPicture, PictureIndex
from application.ports.picture_store import PictureStore
from domain.errors import StorageUnavailable
from domain.pictures import PictureRef

__all__ = ["BoundedPictureIndex", "BoundedPictureStore"]

_SECONDS = 1.5
"""For a file, or a row, that a caller waits for: a working disk needs a hundredth of it."""
_WRITING_SECONDS = 10.0
"""For a new picture: 16 MB on a slow card take half of it."""
_LONG_SECONDS = 15.0
"""For rows that no caller waits for."""

_T = TypeVar("_T")

_log = logging.getLogger(__name__)


class BoundedPictureStore(PictureStore):
    """Raises StorageUnavailable if the store behind it does not answer.

    A picture whose writing is abandoned does not appear later, and one whose removal is abandoned
    stays. Only `keep_only` waits as long as
    necessary: it is part of the startup.

    Args:
        store: Calls `calls.commit` before a file appears or goes.
        calls: Each call of the store runs in it.
        seconds: Time limit of a call that a caller waits for.
        writing_seconds: Time limit for writing a new picture.
    """

    def __init__(
        self,
        store: PictureStore,
        calls: BoundedCalls,
        *,
        seconds: float = _SECONDS,
        writing_seconds: float = _WRITING_SECONDS,
    ) -> None:
        self._store = store
        self._calls = calls
        self._seconds = seconds
        self._writing_seconds = writing_seconds

    def write(self, picture_id: str, data: bytes) -> None:
        self._run(partial(self._store.write, picture_id, data), self._writing_seconds)

    def read(self, picture_id: str) -> bytes | None:
        return self._run(partial(self._store.read, picture_id), self._seconds)

    def has(self, picture_id: str) -> bool:
        return self._run(partial(self._store.has, picture_id), self._seconds)

    def remove(self, picture_id: str) -> None:
        try:
            self._calls(partial(self._store.remove, picture_id), self._seconds)
        except (TimeoutError, RuntimeError):
            _log.warning("a sent picture is not removed before the next start")

    def keep_only(self, picture_ids: Collection[str]) -> None:
        self._store.keep_only(picture_ids)

    def _run(self, call: Callable[[], _T], seconds: float) -> _T:
        try:
            return self._calls(call, seconds)
        except TimeoutError as error:
            _log.error("the folder of sent pictures failed: %s", error)
            raise StorageUnavailable("the folder of the pictures does not answer") from error


class BoundedPictureIndex(PictureIndex):
    """Raises StorageUnavailable if the index behind it does not answer.

    An abandoned call changes nothing later, unless it froze during its commit.

    Args:
        index: Calls `calls.commit` before it commits changes.
        calls: Each call of the index runs in it.
        seconds: Time limit of a call that a caller waits for.
        long_seconds: Time limit of any other call.
    """

    def __init__(
        self,
        index: PictureIndex,
        calls: BoundedCalls,
        *,
        seconds: float = _SECONDS,
        long_seconds: float = _LONG_SECONDS,
    ) -> None:
        self._index = index
        self._calls = calls
        self._seconds = seconds
        self._long_seconds = long_seconds

    def add(self, caller: str, ref: PictureRef, *, at: float, is_sent: bool) -> bool:
        return self._run(partial(self._index.add, caller, ref, at=at, is_sent=is_sent))

    def take_back(self, caller: str, picture_id: str) -> None:
        self._run(partial(self._index.take_back, caller, picture_id))

    def find(
        self, caller: str, picture_id: str, *, used_at: float | None = None
    ) -> KnownPicture | None:
        return self._run(partial(self._index.find, caller, picture_id, used_at=used_at))

    def is_known(self, picture_id: str) -> bool:
        return self._run(partial(self._index.is_known, picture_id))

    def ids(self) -> Collection[str]:
        return self._run(self._index.ids, patiently=True)

    def forget(self, job: Job) -> Collection[str]:
        return self._run(partial(self._index.forget, job))

    def retire(self, *, used_before: float, sparing: float, keep_bytes: int) -> Collection[str]:
        retire = partial(
            self._index.retire, used_before=used_before, sparing=sparing, keep_bytes=keep_bytes
        )
        return self._run(retire, patiently=True)

    def catch_up(self, after: int = 0) -> int | None:
        return self._run(partial(self._index.catch_up, after), patiently=True)

    def _run(self, call: Callable[[], _T], *, patiently: bool = False) -> _T:
        try:
            return self._calls(call, self._long_seconds if patiently else self._seconds)
        except TimeoutError as error:
            _log.error("the job store failed: %s", error)
            raise StorageUnavailable("the job database does not answer") from error
