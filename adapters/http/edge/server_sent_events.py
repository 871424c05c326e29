"""Server-sent events (WHATWG HTML, section 9.2)."""

import json
from collections.abc import Mapping

__all__ = ["HEADERS", "HEARTBEAT", "HEARTBEAT_SECONDS", "MEDIA_TYPE", "encoded_event"]

MEDIA_TYPE = "text/event-stream"

HEARTBEAT_SECONDS = 5.0
"""Seconds between two comments. A thread notices a disconnected client only when it sends."""

HEARTBEAT = ": still here\n\n"

HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # nginx would buffer the events until a buffer is full
}
"""The headers of every stream of events."""


def encoded_event(name: str, data: object, *, event_id: str | None = None) -> str:
    """Return the lines of an event, with `data` as JSON in one line."""
    lines = [] if event_id is None else [f"id: {event_id}"]
    lines += [f"event: {name}", f"data: {json.dumps(data, separators=(',', ':'))}"]
    return "\n".join(lines) + "\n\n"
