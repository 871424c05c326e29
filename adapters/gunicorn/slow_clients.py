"""Limits for slow clients: how long they may take to send a head, send a body or read an answer."""

import errno
import os
import re
import socket
import time
from typing import Any

from gunicorn.http.unreader import SocketUnreader

__all__ = [
    "BODY_SECONDS",
    "BYTES_PER_SECOND",
    "MAX_HEAD",
    "BodyUnreader",
    "DeadlineSocket",
    "HeadTooLarge",
    "HeadTooSlow",
    "head_is_ready",
]

BODY_SECONDS = 10.0
"""Seconds that any body or answer may take."""
BYTES_PER_SECOND = 16 * 1024
"""One more second is allowed for each of these bytes: slower than any mobile network."""
MAX_HEAD = 64 * 1024
"""Largest head in bytes. Browsers and proxies send a tenth of it."""

_FILE_BYTES = 256 * 1024
"""Bytes of a file that are read at once."""
_REQUEST_LINE = re.compile(rb"[!-~]+ [^\x00-\x20]+ HTTP/\d\.\d\r?")
_MAX_LINE = 4094 + len(b"\r\n")  # gunicorn's limit_request_line


class HeadTooSlow(Exception):
    """The head of a request did not arrive in time."""


class HeadTooLarge(Exception):
    """The head of a request has more than MAX_HEAD bytes."""


def head_is_ready(received: bytes) -> bool:
    """Return True if gunicorn's parser need not wait for more bytes.

    The bytes contain the whole head, or enough to see that this is not a request.
    """
    line, newline, _ = received.partition(b"\n")
    if not newline:
        return len(received) > _MAX_LINE
    return b"\r\n\r\n" in received or _REQUEST_LINE.fullmatch(line) is None


class DeadlineSocket(socket.socket):
    """A socket whose client must receive `sendall` and `sendfile` data fast enough.

    Both raise OSError if it does not. Python's own `sendfile` waits for ever.
    """

    def sendall(self, data: Any, flags: int = 0) -> None:
        left = memoryview(data).cast("B")
        self._send_before(_deadline(len(left)), left, flags)

    def sendfile(self, file: Any, offset: int = 0, count: int | None = None) -> int:
        """Send `count` bytes of a regular file, or all from `offset` on; return the number sent."""
        end = os.fstat(file.fileno()).st_size
        end = end if count is None else min(end, offset + count)
        deadline, at = _deadline(max(0, end - offset)), offset
        while at < end and (data := os.pread(file.fileno(), min(_FILE_BYTES, end - at), at)):
            self._send_before(deadline, memoryview(data))
            at += len(data)
        return at - offset

    def _send_before(self, deadline: float, left: memoryview, flags: int = 0) -> None:
        while left:
            left = left[self.send(left, flags) :]
            if left and time.monotonic() > deadline:
                raise ConnectionResetError(errno.ECONNRESET, "the client reads too slowly")


def _deadline(length: int) -> float:
    """Return the time by which a client must have received this many bytes, sent now."""
    return time.monotonic() + BODY_SECONDS + length / BYTES_PER_SECOND


class BodyUnreader(SocketUnreader):
    """Reads bodies, until the client has sent too few bytes for the elapsed time."""

    _deadline = 0.0

    def begin(self) -> None:
        """Start the clock of a new request."""
        self._deadline = time.monotonic() + BODY_SECONDS

    def chunk(self, size_hint: int | None = None) -> bytes:
        if time.monotonic() > self._deadline:
            # The kernel reports the same error for a client that sends nothing within the timeout.
            raise BlockingIOError(errno.EAGAIN, "the client sends too slowly")
        data: bytes = super().chunk(size_hint)
        self._deadline += len(data) / BYTES_PER_SECOND
        return data
