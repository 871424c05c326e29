"""Ctrl-C, SIGTERM and a closed terminal while a program still imports its modules.

It imports next to nothing itself, so that a program can call it first.
"""

import contextlib
import os
import signal
from types import FrameType

__all__ = ["end_at_once", "restore_interrupts"]

_STATUS = {
    # What shells report of a program that Ctrl-C ended: 128 and the number of SIGINT.
    signal.SIGINT: 130,
    # As later: a service that is told to end has done what it was told.
    signal.SIGTERM: 0,
    signal.SIGHUP: 0,
}


def end_at_once() -> None:
    """From now on these signals end the process without a traceback; nothing is to be lost yet.

    A signal that the process was told to ignore, as `nohup` does, stays ignored. For the main
    thread alone, as for all handlers.
    """
    for number in _STATUS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _end)


def restore_interrupts() -> None:
    """Let Ctrl-C raise KeyboardInterrupt and the others end the process, as Python has it."""
    for number in _STATUS:
        if signal.getsignal(number) is _end:
            interrupt = number == signal.SIGINT
            signal.signal(number, signal.default_int_handler if interrupt else signal.SIG_DFL)


def _end(number: int, _frame: FrameType | None) -> None:
    if number == signal.SIGINT:
        with contextlib.suppress(OSError):
            os.write(2, b"stopped\n")
    # Nothing of the process is asked: an import may take an exception for an error of its own.
    os._exit(_STATUS[signal.Signals(number)])
