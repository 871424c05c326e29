"""The gunicorn worker: threads that serve, and a service that is told when the end begins."""

import json
import logging
import socket
import struct
import threading
import uuid
from typing import Any

from gunicorn.http import errors as http_errors
from gunicorn.workers.gthread import ThreadWorker

from application.service import InferenceService

__all__ = ["service_worker"]

# A thread that serves waits so long for the next bytes of a request that has begun.
_RECEIVE_SECONDS = 10
# And so long for a client that takes nothing of what is sent, or is no longer there to take it.
_SEND_SECONDS = 30

_log = logging.getLogger(__name__)


def service_worker(service: InferenceService, *, grace_seconds: float) -> type[ThreadWorker]:
    """gunicorn's `gthread` worker for a process that holds `service`.

    On SIGTERM it tells the service to stop, which draws what was accepted for `grace_seconds` and
    then tells those who still wait. gunicorn's own grace must be longer, or it resets them.
    """

    class ServiceWorker(ThreadWorker):
        def handle_exit(self, sig: int, frame: Any) -> None:
            # In a thread, because a signal handler must not wait. gunicorn hears of it last: from
            # then on it accepts nobody, who must be told meanwhile that the service stops.
            def end() -> None:
                service.stop(grace_seconds)
                super(ServiceWorker, self).handle_exit(sig, frame)

            threading.Thread(target=end, name="stop", daemon=True).start()

        def is_parent_alive(self) -> bool:
            alive: bool = super().is_parent_alive()
            if not alive:
                # Another may be started any moment over the same jobs; this one leaves them to it.
                service.stop(timeout=0)
            return alive

        def handle(self, conn: Any) -> Any:
            # Without this a client that sends half a request, or reads half an answer, holds its
            # thread for ever. The kernel's limits stay when gunicorn makes the socket blocking.
            _limit_patience(conn.sock)
            return super().handle(conn)

        def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
            _answer_what_is_no_request(client, exc)

    return ServiceWorker


def _limit_patience(sock: socket.socket) -> None:
    for option, seconds in (
        (socket.SO_RCVTIMEO, _RECEIVE_SECONDS),
        (socket.SO_SNDTIMEO, _SEND_SECONDS),
    ):
        sock.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", seconds, 0))
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        # A client that vanished acknowledges nothing. The kernel would wait a quarter of an hour.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _SEND_SECONDS * 1000)


def _answer_what_is_no_request(client: socket.socket, exc: BaseException) -> None:
    """Problem details for bytes that never became a request, where Flask has no say."""
    status, title = 400, "Bad Request"
    if isinstance(exc, http_errors.LimitRequestLine):
        status, title = 414, "Request URI Too Long"
    elif isinstance(exc, http_errors.LimitRequestHeaders):
        status, title = 431, "Request Header Fields Too Large"
    elif not isinstance(exc, http_errors.ParseException):
        status, title = 500, "Internal Server Error"
        _log.error("unexpected error outside of a request", exc_info=exc)
    code = title.lower().replace(" ", "_") if status != 500 else "internal_error"
    request_id = uuid.uuid4().hex
    body = json.dumps(
        {
            "type": f"urn:ai-inference:problem:{code}",
            "title": title,
            "status": status,
            "detail": "this is no HTTP request that is understood here",
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
        _log.debug("the client of %s is gone", request_id)
