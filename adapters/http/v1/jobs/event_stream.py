"""Sends the events of a job as server-sent events."""

import base64
from collections.abc import Iterator
from contextlib import ExitStack
from http import HTTPStatus

from flask import Response
from marshmallow import fields

from adapters.http.description.answers import AnswerSchema
from adapters.http.edge.server_sent_events import (
    HEADERS,
    HEARTBEAT,
    HEARTBEAT_SECONDS,
    MEDIA_TYPE,
    encoded_event,
)
from adapters.http.generation.waiting import Places
from adapters.http.v1.jobs.schemas import JobSchema, ProgressSchema
from application.jobs.job_service import JobService
from application.jobs.watching import JobEvent, JobWatch
from domain.errors import Activity, TooManyCallers

__all__ = ["EventStreams", "JobEventSchema"]

_RETRY = "retry: 2000\n\n"


class JobEventSchema(AnswerSchema):
    """One event of the stream, with its lines `id`, `event` and `data`."""

    id = fields.String(
        metadata={"description": "The id to send as `Last-Event-ID` when you connect again."}
    )
    event = fields.String(metadata={"enum": ["queued", "progress", "preview", "done"]})
    data = fields.String(
        metadata={
            "description": "JSON. For `queued` and `done` it is a `Job`, for `progress` a "
            "`Progress`, for `preview` a small JPEG of the work so far, as a `data:` URL.",
            "contentMediaType": "application/json",
            "contentSchema": {
                "anyOf": [
                    {"$ref": "#/components/schemas/Job"},
                    {"$ref": "#/components/schemas/Progress"},
                    {
                        "type": "object",
                        "properties": {
                            "step": {"type": "integer"},
                            "image": {"type": "string", "format": "uri"},
                        },
                        "required": ["step", "image"],
                    },
                ]
            },
        }
    )


class EventStreams:
    """Opens event streams. Each holds a place, and a thread, until it ends."""

    def __init__(self, job_service: JobService, *, places: Places) -> None:
        self._job_service = job_service
        self._places = places

    def open(
        self, caller: str, job_id: str, *, after: str | None, previews: bool = True
    ) -> Response:
        """Return the response that sends the events of a job that follow the event `after`.

        The stream releases its place and its watch when the server closes the response. The server
        always closes it, also when it sent nothing.

        Raises:
            JobNotFound: The caller has no such job.
            TooManyCallers: All places are taken.
        """
        with ExitStack() as held:
            if not self._places.take(caller):
                raise TooManyCallers(Activity.LISTENING)
            held.callback(self._places.give_back, caller)
            watch = self._job_service.watch(caller, job_id, after=after, previews=previews)
            held.callback(watch.close)
            if watch.complete:  # by the standard, this status stops a client from reconnecting
                return Response(status=HTTPStatus.NO_CONTENT)
            events = Response(_text(watch), content_type=MEDIA_TYPE, headers=HEADERS)
            events.call_on_close(held.pop_all().close)
        return events


def _text(watch: JobWatch) -> Iterator[str]:
    yield _RETRY
    while not watch.ended:
        event = watch.next(HEARTBEAT_SECONDS)
        yield HEARTBEAT if event is None else _encoded(event)


def _encoded(event: JobEvent) -> str:
    return encoded_event(event.name, _data(event), event_id=event.id)


def _data(event: JobEvent) -> object:
    progress = ProgressSchema().dump(event.view.progress) if event.view.progress else {}
    if event.preview is not None:
        picture = base64.b64encode(event.preview).decode("ascii")
        return {"step": progress.get("step"), "image": f"data:image/jpeg;base64,{picture}"}
    return progress if event.name == "progress" else JobSchema().dump(event.view)
