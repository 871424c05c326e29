"""Callers that hang up while they wait: nobody needs their answer, and others need their place."""

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
    """As `Submission.wait`, as long as who made this request is there. The job goes on without.

    A proxy in front closes its connection to here when its client is gone, so that is seen too.

    Args:
        submission: What to wait for.
        seconds: At most; None for however long it takes.

    Raises:
        ClientDisconnected: the caller has hung up.
        TimeoutError: it was not there in time.
        DomainError: what became of the job instead.
    """
    connection = request.environ.get(_SOCKET)  # where gunicorn serves it
    if connection is None:
        return submission.wait(seconds)
    return _wait(submission, seconds, lambda: _is_closed(connection))


def _wait(
    submission: Submission, seconds: float | None, has_hung_up: Callable[[], bool]
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
        if has_hung_up():
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
