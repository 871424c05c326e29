"""What a client that is too slow may not do: send a head, send a body, read an answer."""

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
"""A body or an answer may always take so long."""
BYTES_PER_SECOND = 16 * 1024
"""And a second longer for so many bytes: slower than any mobile network, and bounded."""
MAX_HEAD = 64 * 1024
"""Bytes of a head. Browsers and proxies send a tenth of it."""

_FILE_BYTES = 256 * 1024
"""Of a file that are read at once."""
_REQUEST_LINE = re.compile(rb"[!-~]+ [^\x00-\x20]+ HTTP/\d\.\d\r?")
_MAX_LINE = 4094 + len(b"\r\n")  # gunicorn's limit_request_line


class HeadTooSlow(Exception):
    """The head of a request did not arrive in time."""


class HeadTooLarge(Exception):
    """The head of a request has more than MAX_HEAD bytes."""


def head_is_ready(received: bytes) -> bool:
    """Whether gunicorn's parser need not wait for more bytes.

    It has the whole head, or enough to see that this is not a request.
    """
    line, newline, _ = received.partition(b"\n")
    if not newline:
        return len(received) > _MAX_LINE
    return b"\r\n\r\n" in received or _REQUEST_LINE.fullmatch(line) is None


class DeadlineSocket(socket.socket):
    """A socket whose client must take what is sent, by `sendall` or `sendfile`, fast enough.

    Both raise OSError when it does not. A `sendfile` of Python's own waits for ever.
    """

    def sendall(self, data: Any, flags: int = 0) -> None:
        left = memoryview(data).cast("B")
        self._send_before(_deadline(len(left)), left, flags)

    def sendfile(self, file: Any, offset: int = 0, count: int | None = None) -> int:
        """Send `count` bytes of a regular file, or all from `offset` on; how many they were."""
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
    """When a client must have taken so many bytes, which are sent from now on."""
    return time.monotonic() + BODY_SECONDS + length / BYTES_PER_SECOND


class BodyUnreader(SocketUnreader):
    """Reads bodies, until the client has sent too few bytes for its time."""

    _deadline = 0.0

    def begin(self) -> None:
        """A request begins."""
        self._deadline = time.monotonic() + BODY_SECONDS

    def chunk(self, size_hint: int | None = None) -> bytes:
        if time.monotonic() > self._deadline:
            # As the kernel reports a client that sends nothing at all within its time.
            raise BlockingIOError(errno.EAGAIN, "the client sends too slowly")
        data: bytes = super().chunk(size_hint)
        self._deadline += len(data) / BYTES_PER_SECOND
        return data
