"""What the service tells the person who started it."""

import contextlib
import logging
import os
import sys

__all__ = ["say"]

_log = logging.getLogger(__name__)


def say(text: str) -> None:
    """Print `text` on standard output. Where that cannot be written to, the service goes on.

    A key is told so, never by logging.
    """
    try:
        if sys.stdout is None:
            raise OSError("it is closed")
        print(text, flush=True)
    except (OSError, ValueError) as error:
        _log.warning("standard output cannot be written to: %s", error)
        _discard()


def _discard() -> None:
    """Let what is still to be written go nowhere, or the interpreter fails over it at its end."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
