"""Ends the wait of a client that has disconnected, so that another client can have its place."""

import select
import socket
import time
from collections.abc import Callable

from flask import request
from werkzeug.exceptions import ClientDisconnected

from application.jobs.live_job import Submission
from domain.generation.any_request import AnyResult

__all__ = ["wait_for_pictures"]

_SOCKET = "gunicorn.socket"
_CHECK_SECONDS = 1.0


def wait_for_pictures(submission: Submission, seconds: float | None = None) -> AnyResult:
    """Wait as `Submission.wait` does, but only while the client is connected.

    The job continues after a disconnect. A proxy closes its connection to the service when its own
    client disconnects, so this works behind a proxy too.

    Args:
        submission: The submission whose pictures to wait for.
        seconds: The longest wait; None for no bound.

    Raises:
        ClientDisconnected: The client has closed the connection.
        TimeoutError: The pictures were not finished in time.
        DomainError: The job failed or was cancelled.
    """
    connection = request.environ.get(_SOCKET)  # gunicorn sets it
    if connection is None:
        return submission.wait(seconds)
    return _wait(submission, seconds, lambda: _is_closed(connection))


def _wait(
    submission: Submission, seconds: float | None, is_disconnected: Callable[[], bool]
) -> AnyResult:
    until = float("inf") if seconds is None else time.monotonic() + seconds
    while True:
        left = max(0.0, until - time.monotonic())
        try:
            return submission.wait(min(left, _CHECK_SECONDS))
        except TimeoutError:
            # The job has just ended, or it ended with this TimeoutError.
            if submission.view.job.status.finished:
                return submission.wait(0)
            if left <= _CHECK_SECONDS:
                raise
        if is_disconnected():
            raise ClientDisconnected


def _is_closed(connection: socket.socket) -> bool:
    """Return whether the client has closed its end.

    A client that has already sent its next request is connected.
    """
    readable = select.poll()
    readable.register(connection, select.POLLIN)
    if not readable.poll(0):
        return False
    try:
        return not connection.recv(1, socket.MSG_PEEK)
    except OSError:
        return True
