"""Ctrl-C that is never lost."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["kept_interrupts"]


@contextmanager
def kept_interrupts() -> Iterator[Callable[[], None]]:
    """Ctrl-C as ever, and a function that raises KeyboardInterrupt when one has come before.

    What is imported may take the exception for an error of its own, and go on or fail with that:
    who calls the function now and then is still interrupted, and whatever else is raised after a
    Ctrl-C is that Ctrl-C. For the main thread, as signals are.
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
