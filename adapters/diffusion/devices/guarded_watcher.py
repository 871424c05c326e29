"""A watcher whose exceptions are kept apart from those of the libraries that draw."""

from collections.abc import Iterator
from contextlib import contextmanager

from domain.ports.image_generator import DrawingWatcher

__all__ = ["GuardedWatcher"]

# A watcher raises these by a fault in it, and never to end a drawing.
_FAULTS = (
    *(RuntimeError, ValueError, TypeError, AttributeError, LookupError),
    *(ArithmeticError, AssertionError, ImportError, MemoryError),
)


class GuardedWatcher(DrawingWatcher):
    """Passes everything on to a watcher, and keeps what the watcher raised.

    A library may wrap the exception of a watcher, or let it pass. Either way the caller of `draw`
    gets the watcher's own exception.

    Args:
        watcher: None if nobody watches.
    """

    def __init__(self, watcher: DrawingWatcher | None = None) -> None:
        self._watcher = watcher
        self.raised: BaseException | None = None

    def loading(self, loaded: bool = False) -> None:
        if self._watcher is not None:
            with self._noted():
                self._watcher.loading(loaded)

    def step(self, done: int, total: int) -> None:
        if self._watcher is not None:
            with self._noted():
                self._watcher.step(done, total)

    def wants_preview(self, number: int) -> bool:
        if self._watcher is None:
            return False
        with self._noted():
            return self._watcher.wants_preview(number)

    def preview(self, number: int, jpeg: bytes) -> None:
        if self._watcher is not None:
            with self._noted():
                self._watcher.preview(number, jpeg)

    @contextmanager
    def _noted(self) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            if not isinstance(error, _FAULTS):
                self.raised = error
            raise
