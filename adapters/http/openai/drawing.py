"""Draws what a request of the OpenAI API asks for, and answers in the form that it asks for."""

import hashlib
import re
import uuid
from collections.abc import Mapping
from typing import Any

from flask import Response, request

from adapters.http.edge.auth import current_principal
from adapters.http.edge.body_budget import give_back_body
from adapters.http.edge.redaction import current_redactor
from adapters.http.generation.requests import RequestMaker
from adapters.http.generation.waiting import WaitingCallers
from adapters.http.openai.answers import images_answer, in_base64
from adapters.http.openai.names import NO_NAMES, pictures_told_as
from adapters.http.openai.quality import QUALITIES
from adapters.http.openai.schemas import AskedImages
from adapters.http.openai.streams import PictureStreams
from adapters.http.v1.picture_links import LinkMaker
from application.settings.settings import Settings
from domain.generation.fields.judging import id_problem

__all__ = ["KEY", "ImagesDrawer"]

_ID_PREFIX = "openai-"
"""The start of all ids of this API's jobs. It keeps them apart from ids that callers choose."""
_KEY_HEADER = "Idempotency-Key"
_HASHED = re.compile(r"sha256:[0-9a-f]{64}")
KEY = {
    "in": "header",
    "name": _KEY_HEADER,
    "description": "The same request with the same key gets the same pictures, and they "
    "are drawn once. Without a key, every request is drawn.",
    "schema": {"type": "string"},
}
"""The header that names the job of a request, for the API's description."""


class ImagesDrawer:
    """Draws the pictures of the current request, and answers with them or with a stream of them."""

    def __init__(
        self,
        settings: Settings,
        make_request: RequestMaker,
        draw: WaitingCallers,
        streams: PictureStreams,
        make_link: LinkMaker,
    ) -> None:
        self._settings = settings
        self._make_request = make_request
        self._draw = draw
        self._streams = streams
        self._make_link = make_link

    def __call__(
        self, asked: AskedImages, *, kind: str, picture_names: Mapping[str, str] = NO_NAMES
    ) -> dict[str, object] | Response:
        """Return the answer with the pictures, or the response that streams them.

        Args:
            asked: The parameters of the request.
            kind: The start of the names of the events: `image_generation` or `image_edit`.
            picture_names: As in `pictures_told_as`.

        Raises:
            BadRequest: A link was asked for, and the request's `Host` cannot begin one.
            DomainError: As `RequestMaker` and `WaitingCallers.job` do.
        """
        caller = current_principal().name
        response_format = asked.response_format or self._settings.openai_response_format
        as_url = response_format == "url" and not asked.stream
        if as_url:
            self._make_link.check_host()
        more: dict[str, Any] = {"id": _job_id()}
        effort = 1.0 if asked.effort is None else QUALITIES[asked.effort]
        with pictures_told_as(picture_names):
            wanted = self._make_request(
                asked.fields, caller=caller, natively=True, parts=asked.parts, effort=effort, **more
            )
        asked.parts.drop_files()  # they are stored, and the wait may be long
        give_back_body()
        if asked.stream:
            return self._streams.open(wanted, asked, caller=caller, kind=kind)
        job = self._draw.job(wanted, caller=caller)
        images = job.result.images
        pictures = (
            [
                {"url": self._make_link(job.token, number, image.data)}
                for number, image in enumerate(images)
            ]
            if as_url
            else [in_base64(image) for image in images]
        )
        return images_answer(job.result, pictures, asked)


def _job_id() -> str:
    """Return the id that belongs to the request's `Idempotency-Key`; without a key a new id.

    A key that cannot be part of an id is hashed. A key that holds a credential of this service is
    hashed too, and so is a key that looks like such a hash.
    """
    key = request.headers.get(_KEY_HEADER)
    if key is None:
        return _ID_PREFIX + uuid.uuid4().hex
    fits = id_problem(_ID_PREFIX + key) is None and not _HASHED.fullmatch(key)
    if fits and not current_redactor().holds(key):
        return _ID_PREFIX + key
    return f"{_ID_PREFIX}sha256:{hashlib.sha256(key.encode()).hexdigest()}"
