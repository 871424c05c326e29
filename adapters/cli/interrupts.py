"""Ctrl-C that is never lost."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["kept_interrupts"]


@contextmanager
def kept_interrupts() -> Iterator[Callable[[], None]]:
    """Handle Ctrl-C as usual, and yield a function that raises KeyboardInterrupt after one.

    An imported module may take the exception for an error of its own, and continue or fail with
    that error. A caller that calls the function from time to time is still interrupted, and any
    exception after a Ctrl-C counts as that Ctrl-C. Only the main thread may use this, as with all
    signals.
    """
    came = False

    def handle(number: int, frame: FrameType | None) -> None:
        nonlocal came
        came = True
        signal.default_int_handler(number, frame)

    def check() -> None:
        if came:
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, handle)
    try:
        yield check
    except Exception:
        check()
        raise
    finally:
        signal.signal(signal.SIGINT, before)
