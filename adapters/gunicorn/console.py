"""Messages of the service to the person who started it."""

import contextlib
import logging
import os
import sys

__all__ = ["say"]

_log = logging.getLogger(__name__)


def say(text: str) -> None:
    """Print `text` on standard output. The service continues if standard output is not writable.

    Keys are shown this way, never through logging.
    """
    try:
        if sys.stdout is None:
            raise OSError("it is closed")
        print(text, flush=True)
    except (OSError, ValueError) as error:
        _log.warning("standard output cannot be written to: %s", error)
        _discard()


def _discard() -> None:
    """Discard unwritten output; otherwise the interpreter fails on it at exit."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
