"""Opens files in folders that strangers may write to."""

import io
import os
import stat

__all__ = ["NotAPlainFile", "opened_plain"]


class NotAPlainFile(OSError):
    """A named pipe, a device or a folder has replaced a file."""


def opened_plain(path: str) -> io.FileIO:
    """Open a file for reading in binary, unbuffered; this never blocks.

    A path can become a named pipe after it was checked. Opening one would wait for a writer for
    ever.

    Raises:
        NotAPlainFile: It is not a regular file.
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
