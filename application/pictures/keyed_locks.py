"""A lock for each picture."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from domain.errors import StorageUnavailable

__all__ = ["KeyedLocks"]

_SECONDS = 30.0
"""A holder writes a file and a row, both of which end or are abandoned sooner."""


class KeyedLocks:
    """Lets one thread at a time work on a picture. Threads with different pictures do not wait.

    Args:
        seconds: How long a thread waits.
    """

    def __init__(self, seconds: float = _SECONDS) -> None:
        self._seconds = seconds
        self._changing = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}
        self._wanted: Counter[str] = Counter()

    @contextmanager
    def held(self, key: str, *, seconds: float | None = None) -> Iterator[None]:
        """Hold the lock of `key` for the block.

        Raise StorageUnavailable after a wait of `seconds`; None means as long as any thread waits.
        """
        with self._changing:
            self._wanted[key] += 1
            lock = self._locks.setdefault(key, threading.Lock())
        try:
            if not lock.acquire(timeout=self._seconds if seconds is None else seconds):
                raise StorageUnavailable("the folder of the pictures does not answer")
            try:
                yield
            finally:
                lock.release()
        finally:
            with self._changing:
                self._wanted[key] -= 1
                if not self._wanted[key]:
                    del self._wanted[key], self._locks[key]
