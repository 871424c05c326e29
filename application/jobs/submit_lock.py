"""One call at a time accepts or cancels, so that an id is looked up and taken in one go."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from domain.errors import StorageUnavailable

__all__ = ["Admission"]

_STUCK_SECONDS = 1.0
"""How long the store may answer nobody before it counts as stuck for those who wait."""


class Admission:
    """A lock that is waited for as long as others get through, and no longer.

    Many at once may take a slow disk seconds, and that is no failure. A store that does not answer
    must not hold the threads of all who come.

    Args:
        claim: Called by who has the lock, before the block; what it raises is raised.
    """

    def __init__(self, claim: Callable[[], None], *, patience: float = _STUCK_SECONDS) -> None:
        self._claim = claim
        self._patience = patience
        self._lock = threading.Lock()
        self._answered = 0

    @contextmanager
    def one_at_a_time(self) -> Iterator[None]:
        """Have the lock for the block. Raises StorageUnavailable where others hold it for ever."""
        self._acquire()
        answered = True
        try:
            self._claim()
            yield
        except StorageUnavailable:
            answered = False
            raise
        finally:
            self._answered += answered
            self._lock.release()

    def _acquire(self) -> None:
        seen = self._answered
        while not self._lock.acquire(timeout=self._patience):
            if self._answered == seen:
                raise StorageUnavailable("the job store does not answer")
            seen = self._answered
