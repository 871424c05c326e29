"""One id and one log line for each request."""

import logging
import re
import time
import uuid

from flask import Flask, Response, g, request

__all__ = ["install_request_log"]

_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_QUIET_PATHS = frozenset({"/health", "/v1/health", "/health/ready", "/metrics"})

_log = logging.getLogger(__name__)


def install_request_log(app: Flask) -> None:
    """Give each request of `app` its id, and each response the header `X-Request-ID`."""

    def begin() -> None:
        sent = request.headers.get("X-Request-ID", "")
        g.request_id = sent if _REQUEST_ID.fullmatch(sent) else uuid.uuid4().hex
        g.began = time.monotonic()

    def end(response: Response) -> Response:
        response.headers["X-Request-ID"] = g.request_id
        response.headers["X-Content-Type-Options"] = "nosniff"
        principal = g.get("principal")
        _log.log(
            logging.DEBUG if request.path in _QUIET_PATHS else logging.INFO,
            "%s %s %d in %.3f s for %s, request_id=%s",
            request.method,
            ascii(request.path)[1:-1],
            response.status_code,
            time.monotonic() - g.began,
            "nobody" if principal is None else ascii(principal.name),
            g.request_id,
        )
        return response

    app.before_request(begin)
    app.after_request(end)
