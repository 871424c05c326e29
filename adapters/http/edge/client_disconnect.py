"""Clients that disconnect while they wait: their answer is not needed, and their place is."""

import select
import socket
import time
from collections.abc import Callable

from flask import request
from werkzeug.exceptions import ClientDisconnected

from application.jobs.live_job import Submission
from domain.generation.request import GenerationResult

__all__ = ["wait_for_pictures"]

_SOCKET = "gunicorn.socket"
_LOOK_SECONDS = 1.0


def wait_for_pictures(submission: Submission, seconds: float | None = None) -> GenerationResult:
    """As `Submission.wait`, while the client is connected. The job goes on without it.

    A proxy closes its connection to the service when its own client disconnects, so this works
    behind one too.

    Args:
        submission: What to wait for.
        seconds: At most; None for however long it takes.

    Raises:
        ClientDisconnected: the client has closed the connection.
        TimeoutError: the pictures were not there in time.
        DomainError: the job failed or was cancelled.
    """
    connection = request.environ.get(_SOCKET)  # where gunicorn serves it
    if connection is None:
        return submission.wait(seconds)
    return _wait(submission, seconds, lambda: _is_closed(connection))


def _wait(
    submission: Submission, seconds: float | None, is_disconnected: Callable[[], bool]
) -> GenerationResult:
    until = float("inf") if seconds is None else time.monotonic() + seconds
    while True:
        left = max(0.0, until - time.monotonic())
        try:
            return submission.wait(min(left, _LOOK_SECONDS))
        except TimeoutError:
            if submission.view.job.status.finished:  # meanwhile, or it is what it ended with
                return submission.wait(0)
            if left <= _LOOK_SECONDS:
                raise
        if is_disconnected():
            raise ClientDisconnected


def _is_closed(connection: socket.socket) -> bool:
    """Whether the other end sends no more. One that has sent the next request already is there."""
    readable = select.poll()
    readable.register(connection, select.POLLIN)
    if not readable.poll(0):
        return False
    try:
        return not connection.recv(1, socket.MSG_PEEK)
    except OSError:
        return True
