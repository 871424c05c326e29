"""The heartbeat of the thread that draws."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

__all__ = ["Heartbeat"]


@dataclass(frozen=True, slots=True)
class _Beat:
    at: float
    loading: bool


class Heartbeat:
    """Records when the thread that draws last made progress. Any thread may read it.

    Args:
        clock: Seconds of a monotonic clock.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._last: _Beat | None = None

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Mark the thread as busy inside the `with` block."""
        self.beat(loading=False)
        try:
            yield
        finally:
            self._last = None

    def beat(self, *, loading: bool) -> None:
        """Record progress."""
        self._last = _Beat(self._clock(), loading)

    @property
    def still_for(self) -> float:
        """The seconds since the last progress; 0 while the thread is idle."""
        last = self._last
        return 0.0 if last is None else self._clock() - last.at

    @property
    def loading(self) -> bool:
        """Whether a model is being loaded."""
        last = self._last
        return last is not None and last.loading
