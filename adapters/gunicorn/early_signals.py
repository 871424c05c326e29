"""Ctrl-C, SIGTERM and a closed terminal while a program still imports its modules.

This module imports next to nothing itself, so that a program can call it first.
"""

import contextlib
import os
import signal
from types import FrameType

__all__ = ["end_at_once", "restore_interrupts"]

_STATUS = {
    # Exit status that shells report for a program ended by Ctrl-C: 128 plus the number of SIGINT.
    signal.SIGINT: 130,
    # The same as later: a service that is asked to stop, and stops, has succeeded.
    signal.SIGTERM: 0,
    signal.SIGHUP: 0,
}


def end_at_once() -> None:
    """Make these signals end the process without a traceback; there is nothing to lose yet.

    A signal that the process was told to ignore, as `nohup` does, stays ignored. Only the main
    thread may call this, as with all signal handlers.
    """
    for number in _STATUS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _end)


def restore_interrupts() -> None:
    """Restore Python's defaults: Ctrl-C raises KeyboardInterrupt, other signals end the process."""
    for number in _STATUS:
        if signal.getsignal(number) is _end:
            interrupt = number == signal.SIGINT
            signal.signal(number, signal.default_int_handler if interrupt else signal.SIG_DFL)


def _end(number: int, _frame: FrameType | None) -> None:
    if number == signal.SIGINT:
        with contextlib.suppress(OSError):
            os.write(2, b"stopped\n")
    # This raises nothing: code that guards an import might catch the exception as its own.
    os._exit(_STATUS[signal.Signals(number)])
