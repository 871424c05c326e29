"""Opening files that anybody may have put there."""

import io
import os
import stat

__all__ = ["NotAPlainFile", "opened_plain"]


class NotAPlainFile(OSError):
    """A named pipe, a device or a folder lies where a file was."""


def opened_plain(path: str) -> io.FileIO:
    """Open a file for reading in binary, unbuffered; it never waits.

    A path can become a named pipe after somebody looked at it. Opening one would then wait for a
    writer for ever, so nothing here waits.

    Raises:
        NotAPlainFile: It is something else than a file.
        OSError: It cannot be opened.
    """
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise NotAPlainFile(f"{os.path.basename(path)!a} is not a plain file")
        return open(descriptor, "rb", buffering=0)
    except BaseException:
        os.close(descriptor)
        raise
