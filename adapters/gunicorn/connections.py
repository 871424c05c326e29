"""Connections that occupy no thread until the whole head of a request has arrived.

gunicorn's `gthread` worker reads a request in the thread that will answer it, and closes a
connection in its main thread. A client that sends one byte now and then blocks either of them. Here
the main thread collects heads without blocking, and a client that is too slow is disconnected:

- A head must arrive within `head_seconds`, whatever its number of bytes.
- A body and an answer must move at `BYTES_PER_SECOND` after `BODY_SECONDS`.
- At most half of all connections may wait for a head from one address. Beyond that, the one of them
  that has waited longest is closed.
- When there are too many connections, the address with the most waiting ones loses the one that has
  waited longest.
- Health requests have threads of their own, and so have public pages.
"""

import contextlib
import errno
import re
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from selectors import EVENT_READ
from typing import Any
from urllib.parse import unquote_to_bytes

from gunicorn.workers.gthread import TConn, ThreadWorker

from adapters.gunicorn.addresses import WaitingConnections
from adapters.gunicorn.slow_clients import (
    MAX_HEAD,
    BodyUnreader,
    DeadlineSocket,
    HeadTooLarge,
    HeadTooSlow,
    head_is_ready,
)

__all__ = ["ConnectionsWorker"]


_DRAIN_SECONDS = 0.25
"""How long a thread waits for the rest of a body that the application did not read."""
_PAUSE_SECONDS = 0.5
"""How long no connection is accepted after the process ran out of file descriptors."""
_HEALTH_THREADS = 2
_PUBLIC_THREADS = 8

_OUT_OF_DESCRIPTORS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_HEALTH = re.compile(rb"/(?:v1/)?health(?:/ready)?")
_API = re.compile(rb"/(?:v1|infer|openai|sdapi|metrics)(?:/.*)?", re.DOTALL)
_LINE_END = b"\r\n"
_SHORT = 1024
"""Bytes at the start of a head that decide which threads answer the request."""


def _path(head: bytes) -> bytes:
    """Return the path of a request, as the application will read it (RFC 9112, section 3.2)."""
    words = head.split(b" ", 2)
    target = words[1] if len(words) > 1 else b""
    if not target.startswith(b"/"):  # a proxy's form, with scheme and host
        target = b"/" + target.partition(b"://")[2].partition(b"/")[2]
    return unquote_to_bytes(target.partition(b"?")[0])


def _drop_empty_lines(received: bytearray) -> None:
    """Drop the empty lines that a client may send before a request line (RFC 9112, section 2.2)."""
    while received.startswith(_LINE_END):
        del received[: len(_LINE_END)]


def _has_begun(received: bytearray) -> bool:
    """Return True if a request has begun; half of an empty line is not a beginning."""
    return bool(received) and received != _LINE_END[:1]


class ConnectionsWorker(ThreadWorker):
    """gunicorn's `gthread` worker, with connections as the module describes them.

    A subclass overrides `handle_error` to answer a client whose bytes are not a request.

    Attributes:
        head_seconds: Time limit from the first byte of a request, or the start of a connection, to
            the end of the head.
        linger_seconds: How long a closed connection is drained, so that the client can read its
            answer (RFC 9112, section 9.6).
    """

    head_seconds = 10.0
    linger_seconds = 2.0

    def init_process(self) -> None:
        self.prepare_connections()
        super().init_process()

    def prepare_connections(self) -> None:
        """Create what connections need, in the worker's own process."""
        # Connections whose head is being received.
        self._receiving = WaitingConnections(max(1, self.worker_connections // 2))
        self._closing: dict[socket.socket, float] = {}
        self._accepts_again = 0.0
        self._health_threads = ThreadPoolExecutor(_HEALTH_THREADS, thread_name_prefix="health")
        self._public_threads = ThreadPoolExecutor(_PUBLIC_THREADS, thread_name_prefix="public")

    def accept(self, listener: Any) -> None:
        try:
            accepted, client = listener.accept()
        except OSError as error:
            if error.errno in _OUT_OF_DESCRIPTORS:
                self._run_out_of_descriptors()
            elif error.errno not in (errno.EAGAIN, errno.ECONNABORTED):
                raise
            return
        self.nr_conns += 1
        accepted.setblocking(False)
        sock = DeadlineSocket(
            accepted.family, accepted.type, accepted.proto, fileno=accepted.detach()
        )
        self._receive(TConn(self.cfg, sock, client, listener.getsockname()), self.head_seconds)
        if (longest := self._receiving.one_too_many(client)) is not None:
            self._give_up(longest, tell=False)
        if self.nr_conns >= self.worker_connections:
            self._close_longest_waiting()

    def set_accept_enabled(self, enabled: bool) -> None:
        super().set_accept_enabled(enabled and time.monotonic() >= self._accepts_again)

    def finish_request(self, conn: Any, fs: Any) -> None:
        try:
            keep = not fs.cancelled() and fs.result()
        except Exception:
            keep = False
        if not keep:
            self._linger(conn)
            return
        conn.sock.setblocking(False)
        ahead = bytearray(conn.parser.unreader.take_buffered())
        _drop_empty_lines(ahead)
        seconds = self.head_seconds if ahead else self.cfg.keepalive
        self._receive(conn, seconds if self.alive else min(seconds, self.linger_seconds), ahead)

    def murder_pending(self) -> None:
        now = time.monotonic()
        for conn in [each for each in self._receiving if each.timeout <= now]:
            self._give_up(conn, tell=True)
        for sock in [each for each, until in self._closing.items() if until <= now]:
            self._close(sock)

    def murder_keepalived(self, force: bool = False) -> None:
        for conn in list(self._receiving) if force else ():
            self._give_up(conn, tell=False)

    def _cap_keepalive(self, deadline: float) -> None:
        for conn in self._receiving:
            conn.timeout = min(conn.timeout, deadline)

    def enqueue_req(self, conn: Any) -> None:
        path = _path(bytes(conn.head[:_SHORT]))
        pool = self.tpool
        if _HEALTH.fullmatch(path):
            pool = self._health_threads
        elif not _API.fullmatch(path):
            pool = self._public_threads
        future = pool.submit(self.handle, conn)
        future.add_done_callback(
            lambda done: self.method_queue.defer(self.finish_request, conn, done)
        )

    def handle(self, conn: Any) -> Any:
        conn.sock.setblocking(True)
        if not conn.initialized:
            conn.init()
            conn.parser.unreader = BodyUnreader(conn.sock)
        conn.parser.unreader.begin()
        conn.parser.unreader.unread(bytes(conn.head))
        conn.head = b""
        return super().handle(conn)

    def _keepalive_after(self, conn: Any, keepalive: bool) -> bool:
        deadline = time.monotonic() + _DRAIN_SECONDS
        return bool(keepalive and conn.parser.finish_body(deadline=deadline))

    def _receive(self, conn: Any, seconds: float, ahead: bytes | bytearray = b"") -> None:
        """Collect the next head of a connection. Often its bytes are already there."""
        conn.data_ready = True  # so that no thread waits for these bytes
        conn.timeout = time.monotonic() + seconds
        self._receiving.add(conn, bytearray(ahead))
        self.poller.register(conn.sock, EVENT_READ, partial(self._on_readable, conn))
        self._on_readable(conn, None, more=not ahead)

    def _on_readable(self, conn: Any, _sock: Any, more: bool = True) -> None:
        received = self._receiving.get(conn)
        if received is None:
            return  # it was closed to make room for another after the poller had found it readable
        began = _has_begun(received)
        try:
            data = conn.sock.recv(MAX_HEAD) if more else b"-"
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._give_up(conn, tell=False)
            return
        if more:
            received += data
            _drop_empty_lines(received)
            # A connection that was kept alive had longer for its first byte.
            if not began and _has_begun(received):
                conn.timeout = time.monotonic() + self.head_seconds
        if len(received) > MAX_HEAD and not head_is_ready(bytes(received[:MAX_HEAD])):
            self._give_up(conn, tell=True)
        elif head_is_ready(bytes(received)):
            self._forget(conn)
            conn.head = received
            self.enqueue_req(conn)

    def _forget(self, conn: Any) -> bytearray:
        with contextlib.suppress(OSError, KeyError, ValueError):
            self.poller.unregister(conn.sock)
        return self._receiving.pop(conn)

    def _give_up(self, conn: Any, *, tell: bool) -> None:
        """Close a connection whose head did not arrive; `tell` a client that had started one."""
        began = self._forget(conn)
        if tell and _has_begun(began):
            error = HeadTooLarge() if len(began) > MAX_HEAD else HeadTooSlow()
            with contextlib.suppress(OSError):
                self.handle_error(None, conn.sock, conn.client, error)
            self._linger(conn)
        else:
            self.nr_conns -= 1
            conn.close()

    def _close_longest_waiting(self) -> None:
        if self._receiving:
            self._give_up(self._receiving.of_most_crowded(), tell=False)
        elif self._closing:
            self._close(next(iter(self._closing)))

    def _run_out_of_descriptors(self) -> None:
        self._accepts_again = time.monotonic() + _PAUSE_SECONDS
        self.log.warning(
            "no file descriptor is left for a new connection; raise the limit (ulimit -n)"
        )
        self.set_accept_enabled(False)
        self._close_longest_waiting()

    def _linger(self, conn: Any) -> None:
        """Close a connection without blocking: one way now, the other after the client read."""
        sock = conn.sock
        try:
            sock.setblocking(False)
            sock.shutdown(socket.SHUT_WR)
            self.poller.register(sock, EVENT_READ, self._on_closing)
        except (OSError, ValueError, KeyError):
            self.nr_conns -= 1
            sock.close()
        else:
            self._closing[sock] = time.monotonic() + self.linger_seconds

    def _on_closing(self, sock: Any) -> None:
        if sock not in self._closing:
            return  # as in `_on_readable`
        try:
            ended = not sock.recv(MAX_HEAD)
        except BlockingIOError:
            return
        except OSError:
            ended = True
        if ended:
            self._close(sock)

    def _close(self, sock: Any) -> None:
        del self._closing[sock]
        self.nr_conns -= 1
        with contextlib.suppress(OSError, KeyError, ValueError):
            self.poller.unregister(sock)
        sock.close()
