"""The headers of requests and responses, each described once."""

from collections.abc import Iterable, Mapping
from typing import Any

from apispec import APISpec

__all__ = ["ALWAYS", "documented", "register_headers", "response_headers"]

ALWAYS = ("X-Content-Type-Options", "X-Request-ID")
"""Headers of every response."""

_TEXT = {"type": "string"}

# Request headers have no examples, because the page would send them with every request.
_OF_REQUESTS: Mapping[str, dict[str, Any]] = {
    "X-Request-ID": {
        "description": "Your own id for this request: 1–128 of `A-Z a-z 0-9 . _ : -`. Any "
        "other id is replaced by a new one.",
        "schema": _TEXT,
    },
    "Prefer": {
        "description": "RFC 7240. `respond-async`: answer at once with the job (202). `wait=N`: "
        "with the job after N seconds, if the pictures are not there. `wait=N, handling=strict`: "
        "refuse at once (503) if the pictures will take longer.",
        "schema": _TEXT,
    },
    "Last-Event-ID": {
        "description": "The `id` of the last event that you read. The later events are sent.",
        "schema": _TEXT,
    },
    "If-None-Match": {
        "description": "The `ETag` of an earlier answer. If nothing has changed, the answer is "
        "304.",
        "schema": _TEXT,
    },
}
_OF_RESPONSES: Mapping[str, dict[str, Any]] = {
    "X-Request-ID": {
        "description": "The id that the request sent, if it is valid; else a new one. The log "
        "has the same id.",
        "required": True,
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._:-]{1,128}$"},
    },
    "X-Content-Type-Options": {
        "description": "`nosniff`: the type is what Content-Type says.",
        "required": True,
        "schema": {"const": "nosniff"},
    },
    "Location": {
        "description": "The address of the job, or of the picture.",
        "required": True,
        "schema": {"type": "string", "format": "uri-reference"},
        "example": "/v1/jobs/my-first-picture",
    },
    "Preference-Applied": {
        "description": "The part of `Prefer` that was followed (RFC 7240); absent if none was.",
        "schema": _TEXT,
        "example": "respond-async",
    },
    "Retry-After": {
        "description": "Seconds to wait before you send the request again.",
        "schema": {"type": "integer", "minimum": 1},
        "example": 5,
    },
    "WWW-Authenticate": {
        "description": "The kind of credential that is needed (RFC 6750).",
        "required": True,
        "schema": _TEXT,
        "example": "Bearer",
    },
    "X-Should-Retry": {
        "description": "`false` tells OpenAI's clients not to send the request again.",
        "schema": {"enum": ["true", "false"]},
    },
    "Content-Location": {
        "description": "The address of this picture in its job; it needs the same credential.",
        "schema": {"type": "string", "format": "uri-reference"},
    },
    "X-Seed": {"description": "The seed of the picture.", "schema": {"type": "integer"}},
    "X-Model-ID": {
        "description": "The `id` of the model that drew it.",
        "schema": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
    },
    "X-Warning": {
        "description": "A warning about the picture, as in `warnings`; one header for each. "
        "Characters that no header can hold are escaped.",
        "schema": _TEXT,
    },
    "ETag": {
        "description": "The version of these bytes, for `If-None-Match`.",
        "schema": _TEXT,
    },
    "Cache-Control": {
        "description": "Who may cache the answer, and for how long.",
        "schema": _TEXT,
    },
    "Vary": {"description": "The headers of the request that decide the answer.", "schema": _TEXT},
    "Last-Modified": {"description": "When it last changed.", "schema": _TEXT},
    "Referrer-Policy": {
        "description": "What the page tells other sites about itself.",
        "schema": _TEXT,
    },
    "Content-Disposition": {
        "description": "A file name to save the picture under.",
        "schema": _TEXT,
        "example": 'inline; filename="my-first-picture-0.png"',
    },
    "Content-Security-Policy": {
        "description": "What the page may load: nothing from other servers. Only with HTML.",
        "schema": _TEXT,
    },
    "X-Accel-Buffering": {
        "description": "Tells nginx to pass each event on at once.",
        "schema": {"const": "no"},
    },
}


def register_headers(spec: APISpec) -> None:
    """Make the headers components of the document. Only those that a route names are written."""
    for name, request_header in _OF_REQUESTS.items():
        spec.components.parameter(name, "header", request_header, lazy=True)
    for name, response_header in _OF_RESPONSES.items():
        spec.components.header(name, response_header, lazy=True)


def documented(names: Iterable[str]) -> list[str]:
    """Return the names that the document describes, in the document's spelling."""
    sent = {name.lower() for name in names}
    return [name for name in _OF_RESPONSES if name.lower() in sent]


def response_headers(*names: str) -> dict[str, str]:
    """Return references to these headers for `blueprint.response(…, headers=…)`."""
    return {name: name for name in names}
