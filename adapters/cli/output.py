"""Standard output and standard error for commands: writing to them may fail."""

import contextlib
import io
import os
import sys
from typing import TextIO

__all__ = ["OutputLost", "guard_streams"]

_STANDARD_OUTPUT, _STANDARD_ERROR = 1, 2


class OutputLost(OSError):
    """What a command printed did not reach standard output.

    It is an OSError, because callers expect that class from a stream.
    """


class _Output(io.FileIO):
    """Standard output; the first failing write raises OutputLost, and later ones are discarded."""

    _lost = False

    def write(self, data: bytes) -> int:  # type: ignore[override]
        if self._lost:
            return len(data)
        try:
            return super().write(data)
        except OSError as error:
            # Python flushes the rest once more when the process ends. That failure must stay
            # silent.
            self._lost = True
            raise OutputLost(error.errno, error.strerror) from None


class _Remarks(io.FileIO):
    """Standard error; output that cannot be written is discarded, because nobody can be told."""

    def write(self, data: bytes) -> int:  # type: ignore[override]
        try:
            return super().write(data)
        except OSError:
            return len(data)


def guard_streams() -> None:
    """Replace `sys.stdout` and `sys.stderr` with streams that report lost output.

    A character that a stream's encoding lacks is written as an escape. A closed stream counts as
    one that cannot be written to.
    """
    for number in (_STANDARD_OUTPUT, _STANDARD_ERROR):
        _occupy(number)
    sys.stdout = _text(_Output(_STANDARD_OUTPUT, "wb", closefd=False), sys.stdout)
    sys.stderr = _text(_Remarks(_STANDARD_ERROR, "wb", closefd=False), sys.stderr)


def _occupy(number: int) -> None:
    """Open a closed descriptor read-only; otherwise the next file would get its number."""
    try:
        os.fstat(number)
    except OSError:
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_RDONLY), number)


def _text(raw: io.FileIO, before: TextIO | None) -> TextIO:
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=getattr(before, "encoding", None),
        errors="backslashreplace",
        line_buffering=True,
    )
