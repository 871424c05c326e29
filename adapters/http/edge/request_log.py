"""Gives each request an id and a log line."""

import logging
import re
import time
import uuid
from http import HTTPStatus

from flask import Flask, Response, g, request

from adapters.http.edge.redaction import Redactor

__all__ = ["install_request_log"]

_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_QUIET_PATHS = frozenset({"/health", "/v1/health", "/health/ready", "/metrics"})
_FORWARDED_FOR_CHARACTERS = 200
"""Enough for four IPv6 addresses; a client may send thousands of characters."""

_log = logging.getLogger(__name__)


def install_request_log(app: Flask, redactor: Redactor) -> None:
    """Give each request of `app` its id, and each response the header `X-Request-ID`.

    A client's id that holds a credential is replaced. The log shows no credential of an address.
    """

    def begin() -> None:
        sent = request.headers.get("X-Request-ID", "")
        taken = _REQUEST_ID.fullmatch(sent) and not redactor.holds(sent)
        g.request_id = sent if taken else uuid.uuid4().hex
        g.began = time.monotonic()

    def end(response: Response) -> Response:
        response.headers["X-Request-ID"] = g.request_id
        response.headers["X-Content-Type-Options"] = "nosniff"
        principal = g.get("principal")
        _log.log(
            logging.DEBUG if _quiet(response) else logging.INFO,
            "%s %s %d in %.3f s for %s from %s%s, request_id=%s",
            redactor.redacted(_escaped(request.method)),
            # Ids of jobs and names of callers may look random, as keys do.
            redactor.redacted(
                _escaped(request.path), shapes="job_id" not in (request.view_args or {})
            ),
            response.status_code,
            time.monotonic() - g.began,
            "nobody"
            if principal is None
            else redactor.redacted(ascii(principal.name), shapes=False),
            _escaped(request.remote_addr or "nowhere"),
            redactor.redacted(_forwarded_for()),
            g.request_id,
        )
        return response

    app.before_request(begin)
    app.after_request(end)


def _quiet(response: Response) -> bool:
    # Refused credentials are logged at every path, so that an operator sees guesses.
    return request.path in _QUIET_PATHS and response.status_code != HTTPStatus.UNAUTHORIZED


def _forwarded_for() -> str:
    """Return the header X-Forwarded-For for the log; nothing without it. Any client can write it.

    A long header is cut to its end, where the nearest proxy has put the address that it saw.
    """
    sent = request.headers.get("X-Forwarded-For")
    return f", forwarded_for={sent[-_FORWARDED_FOR_CHARACTERS:]!a}" if sent else ""


def _escaped(text: str) -> str:
    return ascii(text)[1:-1]
