"""Standard output and standard error, as they are for commands: they may fail."""

import contextlib
import io
import os
import sys
from typing import TextIO

__all__ = ["OutputLost", "guard_streams"]

_STANDARD_OUTPUT, _STANDARD_ERROR = 1, 2


class OutputLost(OSError):
    """What a command printed did not reach standard output.

    An OSError, so that whoever expects one of a stream is not surprised.
    """


class _Output(io.FileIO):
    """Standard output; the first write that fails raises OutputLost, and later ones are lost."""

    _lost = False

    def write(self, data: bytes) -> int:  # type: ignore[override]
        if self._lost:
            return len(data)
        try:
            return super().write(data)
        except OSError as error:
            # Python writes what is left once more when the process ends. Nobody is to hear of it.
            self._lost = True
            raise OutputLost(error.errno, error.strerror) from None


class _Remarks(io.FileIO):
    """Standard error; what cannot be written is lost, as there is nobody to tell."""

    def write(self, data: bytes) -> int:  # type: ignore[override]
        try:
            return super().write(data)
        except OSError:
            return len(data)


def guard_streams() -> None:
    """Put streams in the place of `sys.stdout` and `sys.stderr` that report what is lost.

    A character that a stream's encoding lacks is written as an escape. A stream that is closed
    counts as one that cannot be written to.
    """
    for number in (_STANDARD_OUTPUT, _STANDARD_ERROR):
        _occupy(number)
    sys.stdout = _text(_Output(_STANDARD_OUTPUT, "wb", closefd=False), sys.stdout)
    sys.stderr = _text(_Remarks(_STANDARD_ERROR, "wb", closefd=False), sys.stderr)


def _occupy(number: int) -> None:
    """Open a closed descriptor for reading alone, or the next file would get its number."""
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
