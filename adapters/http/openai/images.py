"""The route that generates images, as in the OpenAI API."""

import base64
import hashlib
import re
import time
import uuid
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from flask import request

from adapters.http.edge.auth import current_principal, protect
from adapters.http.edge.bodies import Blueprint
from adapters.http.edge.redaction import current_redactor
from adapters.http.edge.route_errors import DRAWING, SUBMITTING
from adapters.http.generation.requests import RequestMaker
from adapters.http.generation.waiting import WaitingCallers
from adapters.http.openai.errors import OpenAIErrorSchema
from adapters.http.openai.listing import PREFIX
from adapters.http.openai.quality import steps_of
from adapters.http.openai.schemas import AskedImages, ImagesRequestSchema, ImagesSchema
from adapters.http.v1.picture_links import LinkMaker
from application.settings.settings import Settings
from domain.credentials import Scope
from domain.errors import JobNotFound
from domain.generation.request import GeneratedImage, GenerationResult, id_problem
from domain.services.credential_checker import CredentialChecker

__all__ = ["images_blueprint"]

_ID_PREFIX = "openai-"
"""The start of all ids of this API's jobs. It keeps them apart from ids that callers choose."""
_KEY_HEADER = "Idempotency-Key"
_HASHED = re.compile(r"sha256:[0-9a-f]{64}")
_KEY = {
    "in": "header",
    "name": _KEY_HEADER,
    "description": "The same request with the same key gets the same pictures, and they "
    "are drawn once. Without a key, every request is drawn.",
    "schema": {"type": "string"},
}
_EXAMPLE = {"prompt": "a red circle", "n": 1, "size": "512x512"}


def images_blueprint(
    settings: Settings,
    make_request: RequestMaker,
    draw: WaitingCallers,
    make_link: LinkMaker,
    checker: CredentialChecker,
) -> Blueprint:
    """`/openai/v1/images/generations`."""
    blueprint = Blueprint(
        "openai_images",
        __name__,
        url_prefix=PREFIX,
        description="The OpenAI API: images.",
        error_schema=OpenAIErrorSchema,
    )
    protect(blueprint, checker, Scope.INFERENCE_RUN)

    @blueprint.post("/images/generations")
    @blueprint.request_headers(_KEY)
    @blueprint.raises(*SUBMITTING, *DRAWING, JobNotFound)
    @blueprint.arguments(ImagesRequestSchema, example=_EXAMPLE)
    @blueprint.response(
        HTTPStatus.OK, ImagesSchema, description="The pictures, in the order of their seeds."
    )
    def generate(asked: AskedImages) -> dict[str, object]:
        """Draw pictures and wait for them."""
        caller = current_principal().name
        as_url = (asked.response_format or settings.openai_response_format) == "url"
        if as_url:
            make_link.check_host()
        steps: dict[str, Any] = {}
        if asked.effort is not None and "num_inference_steps" not in asked.fields:
            number = steps_of(asked.effort, settings.default_inference_steps)
            steps = {"num_inference_steps": number}
        wanted = make_request(asked.fields, caller=caller, natively=True, id=_job_id(), **steps)
        job = draw.job(wanted, caller=caller)
        result = job.result
        if not as_url:
            return _answer(result, [_in_base64(image) for image in result.images])
        links = [
            {"url": make_link(job.token, number, image.data)}
            for number, image in enumerate(result.images)
        ]
        return _answer(result, links)

    return blueprint


def _in_base64(image: GeneratedImage) -> dict[str, str]:
    return {"b64_json": base64.b64encode(image.data).decode("ascii")}


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


def _answer(result: GenerationResult, pictures: Sequence[dict[str, str]]) -> dict[str, object]:
    """Return the pictures in the order of their seeds, each in the requested form."""
    return {
        "created": int(time.time()),
        "data": [
            {**picture, "seed": image.seed}
            for picture, image in zip(pictures, result.images, strict=True)
        ],
        "output_format": result.request.output_format.value,
        "size": f"{result.request.width}x{result.request.height}",
        "warnings": list(result.warnings),
    }
