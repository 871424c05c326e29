"""Streams of pictures as server-sent events, as in the OpenAI API.

Source of names and fields: the official Python client, `openai` 3.54,
`types/image_gen_partial_image_event.py` and its three siblings, and `_streaming.py` for errors.
"""

import base64
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack

from flask import Flask, Response, current_app, g
from marshmallow import fields

from adapters.http.description.answers import AnswerSchema
from adapters.http.edge.redaction import current_redactor, redacted_error
from adapters.http.edge.server_sent_events import (
    HEADERS,
    HEARTBEAT,
    HEARTBEAT_SECONDS,
    MEDIA_TYPE,
    encoded_event,
)
from adapters.http.generation.requests import NamedRequest
from adapters.http.generation.waiting import Places
from adapters.http.openai.errors import ERRORS, error_body
from adapters.http.openai.quality import told_quality
from adapters.http.openai.schemas import AskedImages
from adapters.http.problems.handlers import problem_of
from application.jobs.job_service import JobService
from application.jobs.live_job import Submission
from application.jobs.watching import JobWatch
from domain.errors import Activity, TooManyCallers, UnreadablePicture
from domain.generation.any_request import as_drawn
from domain.generation.request import GeneratedImage, GenerationRequest, GenerationResult
from domain.ports.picture_codec import PictureCodec

__all__ = ["ImageEventSchema", "PictureStreams"]

_OUTCOME_SECONDS = 30.0
"""The longest wait for the outcome of a job that has ended. It follows the end at once."""

_NO_TOKENS = {
    "input_tokens": 0,
    "input_tokens_details": {"image_tokens": 0, "text_tokens": 0},
    "output_tokens": 0,
    "total_tokens": 0,
}
"""Clients in strict languages need this field. The service counts no tokens."""


class ImageEventSchema(AnswerSchema):
    """One event of the stream, with its lines `event` and `data`."""

    event = fields.String(
        metadata={
            "enum": [
                *("image_generation.partial_image", "image_generation.completed"),
                *("image_edit.partial_image", "image_edit.completed", "error"),
            ]
        }
    )
    data = fields.String(
        metadata={
            "description": "JSON. A picture has `b64_json`, and its `type` is the name of the "
            "event. There is one `completed` event for each picture, in the order of the seeds. "
            "The stream ends after the last one, or after an `error`.",
            "contentMediaType": "application/json",
        }
    )


class PictureStreams:
    """Draws pictures and streams them. Each stream holds a place, and a thread, until it ends."""

    def __init__(self, job_service: JobService, codec: PictureCodec, *, places: Places) -> None:
        self._job_service = job_service
        self._codec = codec
        self._places = places

    def open(self, wanted: NamedRequest, asked: AskedImages, *, caller: str, kind: str) -> Response:
        """Submit a request, and return the response that streams its pictures.

        The caller gets its place before the job exists, so a caller without a place leaves no job.
        The job continues after the client has disconnected.

        Args:
            wanted: The request.
            asked: The caller's parameters of the stream.
            caller: The name of the caller.
            kind: The start of the names of the events: `image_generation` or `image_edit`.

        Raises:
            TooManyCallers: All places are taken.
            DomainError: As `JobService.submit` does.
        """
        with ExitStack() as held:
            if not self._places.take(caller):
                raise TooManyCallers(Activity.LISTENING)
            held.callback(self._places.give_back, caller)
            submission = self._job_service.submit(
                wanted.request,
                caller=caller,
                model_name=wanted.model_name,
                other_names=wanted.other_names,
            )
            watch = self._job_service.watch(
                caller, wanted.request.id, previews=False, partials=asked.partial_images
            )
            held.callback(watch.close)
            words = _Words(wanted.request, asked, kind, self._codec)
            events = _events(watch, submission, words, _error_teller())
            response = Response(events, content_type=MEDIA_TYPE, headers=HEADERS)
            response.call_on_close(held.pop_all().close)
        return response


class _Words:
    """The events of one stream, as text."""

    def __init__(
        self, request: GenerationRequest, asked: AskedImages, kind: str, codec: PictureCodec
    ) -> None:
        self._request = request
        self._kind = kind
        self._codec = codec
        self._asked = asked
        self._partials = 0

    def partial(self, preview: bytes) -> str:
        """Return the event of a preview, in the output format; a comment if it is not readable."""
        request = self._request
        try:
            raster = self._codec.decode(preview)
        except UnreadablePicture:
            return HEARTBEAT
        data = self._codec.encode(raster, None, request.output_format, request.quality)
        index = {"partial_image_index": self._partials}
        self._partials += 1
        size = request.result_size
        return self._event("partial_image", data, f"{size.width}x{size.height}", index)

    def completed(self, image: GeneratedImage, result: GenerationResult) -> str:
        """Return the event of a finished picture."""
        warnings = [*self._asked.warnings, *result.warnings]
        more = {"usage": _NO_TOKENS, "seed": image.seed, "warnings": warnings}
        return self._event("completed", image.data, f"{image.width}x{image.height}", more)

    def _event(self, word: str, data: bytes, size: str, more: Mapping[str, object]) -> str:
        name = f"{self._kind}.{word}"
        body = {
            "type": name,
            "b64_json": base64.b64encode(data).decode("ascii"),
            "created_at": int(time.time()),
            "size": size,
            "quality": told_quality(self._asked.effort),
            "background": "opaque",
            "output_format": self._request.output_format.value,
            **more,
        }
        return encoded_event(name, body)


def _events(
    watch: JobWatch, submission: Submission, words: _Words, tell: Callable[[Exception], str]
) -> Iterator[str]:
    """Return the events of a stream. `tell` returns the event of an error."""
    yield HEARTBEAT  # the client gets the headers at once
    try:
        while not watch.ended:
            event = watch.next(HEARTBEAT_SECONDS)
            preview = event.preview if event is not None else None
            yield HEARTBEAT if preview is None else words.partial(preview)
        result = submission.wait(_OUTCOME_SECONDS)
    except Exception as error:
        yield tell(error)
        return
    for image in result.images:
        yield words.completed(image, as_drawn(result))


def _error_teller() -> Callable[[Exception], str]:
    """Return a function that returns the event of an error. It needs no request.

    The server reads a stream after the context of its request has ended. An unexpected error is
    logged with the id of that request.
    """
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    redactor, request_id = current_redactor(), g.request_id

    def tell(error: Exception) -> str:
        with app.app_context():
            g.request_id = request_id
            problem = problem_of(error, ERRORS)
        # Official clients raise an error for each event whose data has `error`.
        body = {"type": "error", "error": error_body(problem)}
        return encoded_event("error", redacted_error(body, redactor, code=problem.code))

    return tell
