"""Pictures in a folder that may freeze, for callers that must not."""

import logging
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import TypeVar

from adapters.storage.bounded_calls import BoundedCalls
from application.ports.result_store import ResultStore
from domain.errors import StorageUnavailable
from domain.generation.request import GeneratedImage

__all__ = ["BoundedResultStore"]

_SECONDS = 1.5
"""For a file that a caller waits for: a working disk needs a hundredth of it."""
_LONG_SECONDS = 60.0
"""For new pictures, which no caller's thread writes: 100 MB on a slow card take half of it."""
_REMOVING_SECONDS = 0.3
"""For removed files. Nobody waits for their removal, so the rest is done in the background."""

_T = TypeVar("_T")

_log = logging.getLogger(__name__)


class BoundedResultStore(ResultStore):
    """Raises StorageUnavailable if the store behind it does not answer.

    Pictures whose writing is abandoned do not appear later. Only `keep_only` waits as long as
    necessary: it is part of the startup, and nothing may be drawn before it has ended.

    Args:
        store: Calls `calls.commit` and `writes.commit` before new files appear.
        calls: Each call of the store runs in it, except `write`.
        writes: `write` runs in it, so that readers leave it a thread: its pictures were just drawn.
        seconds: Time limit of a call that a caller waits for.
        long_seconds: Time limit for writing new pictures.
        removing_seconds: How long `remove` waits.
    """

    def __init__(
        self,
        store: ResultStore,
        calls: BoundedCalls,
        writes: BoundedCalls,
        *,
        seconds: float = _SECONDS,
        long_seconds: float = _LONG_SECONDS,
        removing_seconds: float = _REMOVING_SECONDS,
    ) -> None:
        self._store = store
        self._calls = calls
        self._writes = writes
        self._seconds = seconds
        self._long_seconds = long_seconds
        self._removing_seconds = removing_seconds

    def write(self, token: str, images: Sequence[GeneratedImage]) -> None:
        write = partial(self._store.write, token, images)
        self._run(write, self._long_seconds, self._writes)

    def read(self, token: str, number: int) -> bytes | None:
        return self._run(partial(self._store.read, token, number), self._seconds)

    def write_thumbnail(self, token: str, number: int, data: bytes) -> None:
        self._run(partial(self._store.write_thumbnail, token, number, data), self._seconds)

    def read_thumbnail(self, token: str, number: int) -> bytes | None:
        return self._run(partial(self._store.read_thumbnail, token, number), self._seconds)

    def remove(self, tokens: Collection[str]) -> None:
        if not tokens:
            return
        try:
            self._calls(partial(self._store.remove, tokens), self._removing_seconds)
        except (TimeoutError, RuntimeError):
            _log.info("the pictures of %d jobs are not all removed yet", len(tokens))

    def keep_only(self, tokens: Collection[str]) -> None:
        self._store.keep_only(tokens)

    def _run(self, call: Callable[[], _T], seconds: float, calls: BoundedCalls | None = None) -> _T:
        try:
            return (calls or self._calls)(call, seconds)
        except TimeoutError as error:
            _log.error("the pictures' folder failed: %s", error)
            raise StorageUnavailable("the folder of the pictures does not answer") from error
