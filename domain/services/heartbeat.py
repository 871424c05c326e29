"""Signs of life of the thread that draws."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

__all__ = ["Heartbeat"]


@dataclass(frozen=True, slots=True)
class _Beat:
    at: float
    loading: bool


class Heartbeat:
    """Notes when the thread that draws last did something. Any thread may ask.

    Args:
        clock: Seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._last: _Beat | None = None

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """The thread has something to do while the block lasts."""
        self.beat(loading=False)
        try:
            yield
        finally:
            self._last = None

    def beat(self, *, loading: bool) -> None:
        """Note a sign of life."""
        self._last = _Beat(self._clock(), loading)

    @property
    def still_for(self) -> float:
        """Seconds since the last sign of life; 0 while the thread has nothing to do."""
        last = self._last
        return 0.0 if last is None else self._clock() - last.at

    @property
    def loading(self) -> bool:
        """Whether a model is being loaded."""
        last = self._last
        return last is not None and last.loading
