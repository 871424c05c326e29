"""The gunicorn worker: threads that serve, and a service that learns when shutdown begins."""

import contextlib
import json
import logging
import os
import signal
import socket
import struct
import threading
import time
import uuid
from enum import Enum, auto
from queue import SimpleQueue
from typing import Any

from gunicorn.http import errors as http_errors

from adapters.gunicorn.arbiter import HELD_SIGNALS
from adapters.gunicorn.connections import ConnectionsWorker
from adapters.gunicorn.slow_clients import HeadTooLarge, HeadTooSlow
from application.lifecycle.service import InferenceService

__all__ = ["service_worker"]

# How long a serving thread waits for the next bytes of a request that has begun.
_RECEIVE_SECONDS = 10
# How long it waits for a client that receives nothing, or is gone.
_SEND_SECONDS = 10
# The kernel reports a client that has vanished after this time.
_VANISHED_SECONDS = 30
# After Ctrl-C, the time to answer waiting clients. A person waits two seconds at most.
_LEAVE_SECONDS = 1.2
# gunicorn gives a hanging worker one second to abort.
_ABORT_SECONDS = 0.5

_log = logging.getLogger(__name__)


class _Order(Enum):
    FINISH = auto()
    LEAVE = auto()
    ABORT = auto()
    REOPEN_LOGS = auto()


def service_worker(service: InferenceService, *, grace_seconds: float) -> type[ConnectionsWorker]:
    """gunicorn's `gthread` worker for a process that holds `service`.

    On SIGTERM it stops the service gracefully: the service runs accepted jobs for `grace_seconds`
    and then answers the clients that still wait. gunicorn's own grace period must be longer, or
    gunicorn resets those connections. On SIGINT and SIGQUIT nothing is waited for: running jobs go
    back into the queue for the next start, waiting clients are answered, and the process ends
    within two seconds.

    A signal handler interrupts the main thread anywhere, also inside a lock, so it only notes an
    order. A thread that may block carries it out.
    """

    class ServiceWorker(ConnectionsWorker):
        def init_signals(self) -> None:
            self._orders: SimpleQueue[_Order] = SimpleQueue()  # a signal may interrupt `put` itself
            super().init_signals()
            # A closed terminal also signals the master, which decides what it means.
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            threading.Thread(target=self._obey, name="orders", daemon=True).start()
            # Signals that arrived since the fork are delivered now.
            signal.pthread_sigmask(signal.SIG_UNBLOCK, HELD_SIGNALS)

        def handle_exit(self, sig: int, frame: Any) -> None:
            self._orders.put(_Order.FINISH)

        def handle_quit(self, sig: int, frame: Any) -> None:
            self._orders.put(_Order.LEAVE)

        def handle_abort(self, sig: int, frame: Any) -> None:
            self._orders.put(_Order.ABORT)

        def handle_usr1(self, sig: int, frame: Any) -> None:
            self._orders.put(_Order.REOPEN_LOGS)

        def handle_winch(self, sig: int, frame: Any) -> None:
            # gunicorn's own handler writes to the log, perhaps into the middle of another line.
            pass

        def _obey(self) -> None:
            do = {
                _Order.FINISH: self._finish,
                _Order.LEAVE: self._leave,
                _Order.ABORT: self._abort,
                _Order.REOPEN_LOGS: self.log.reopen_files,
            }
            while True:
                order = self._orders.get()
                # Each order has its own thread: Ctrl-C may follow a SIGTERM that is still being
                # obeyed.
                threading.Thread(target=do[order], name=order.name.lower(), daemon=True).start()

        def _finish(self) -> None:
            # gunicorn learns of it last: from then on it accepts no connections, and until then
            # clients must be told that the service is stopping.
            service.stop(grace_seconds)
            self._stop_accepting()

        def _leave(self, status: int = 0, seconds: float = _LEAVE_SECONDS) -> None:
            ends_at = time.monotonic() + seconds
            stop = threading.Thread(target=service.stop, args=(0,), name="stop", daemon=True)
            stop.start()
            stop.join(seconds)
            self._stop_accepting()
            # The main thread ends the process earlier, once every waiting client is answered.
            time.sleep(max(0.0, ends_at - time.monotonic()))
            os._exit(status)

        def _abort(self) -> None:
            _log.critical("the worker's main thread has not answered gunicorn in time")
            self._leave(status=1, seconds=_ABORT_SECONDS)

        def _stop_accepting(self) -> None:
            with contextlib.suppress(OSError, ValueError):  # the main thread may already have ended
                super().handle_exit(
                    signal.SIGTERM, None
                )  # which only notes the order and wakes the main thread

        def is_parent_alive(self) -> bool:
            alive: bool = super().is_parent_alive()
            if not alive:
                # Another worker may start at any moment with the same jobs; this one leaves them
                # alone.
                self._orders.put(_Order.LEAVE)
            return alive

        def handle(self, conn: Any) -> Any:
            # Without this a client that sends half a request, or reads half an answer, holds its
            # thread for ever. The kernel's limits remain when gunicorn makes the socket blocking.
            _set_socket_timeouts(conn.sock)
            return super().handle(conn)

        def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
            _answer_invalid_request(client, exc)

    return ServiceWorker


def _set_socket_timeouts(sock: socket.socket) -> None:
    for option, seconds in (
        (socket.SO_RCVTIMEO, _RECEIVE_SECONDS),
        (socket.SO_SNDTIMEO, _SEND_SECONDS),
    ):
        sock.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", seconds, 0))
    if hasattr(socket, "TCP_USER_TIMEOUT") and sock.family != socket.AF_UNIX:
        # A client that vanished acknowledges nothing. The kernel would wait a quarter of an hour.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _VANISHED_SECONDS * 1000)


def _answer_invalid_request(client: socket.socket, exc: BaseException) -> None:
    """Answer with problem details for bytes that never became a request; Flask never sees those."""
    status, title = 400, "Bad Request"
    detail = "this is not an HTTP request that the service understands"
    if isinstance(exc, http_errors.LimitRequestLine):
        status, title = 414, "Request URI Too Long"
        detail = "the address is too long; put what you send into the body"
    elif isinstance(exc, http_errors.LimitRequestHeaders | HeadTooLarge):
        status, title = 431, "Request Header Fields Too Large"
        detail = "the headers are too long or too many; send less in them"
    elif isinstance(exc, HeadTooSlow):
        status, title = 408, "Request Timeout"
        detail = "the head of the request did not arrive in time; send the request again"
    elif not isinstance(exc, http_errors.ParseException):
        status, title = 500, "Internal Server Error"
        detail = "an unexpected error; the log has it"
        _log.error("unexpected error outside a request", exc_info=exc)
    code = title.lower().replace(" ", "_") if status != 500 else "internal_error"
    request_id = uuid.uuid4().hex
    body = json.dumps(
        {
            "type": f"urn:ai-inference:problem:{code}",
            "title": title,
            "status": status,
            "detail": detail,
            "code": code,
            "request_id": request_id,
        }
    ).encode()
    head = (
        f"HTTP/1.1 {status} {title}\r\nConnection: close\r\n"
        f"Content-Type: application/problem+json\r\nX-Request-ID: {request_id}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    try:
        client.sendall(head.encode() + body)
    except OSError:
        _log.debug("the client of %s disconnected", request_id)
