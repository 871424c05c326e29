"""Pictures, asked for as that API's clients do."""

import base64
import hashlib
import re
import time
import uuid
from http import HTTPStatus
from typing import Any

from flask import request

from adapters.http.auth import current_principal, protect
from adapters.http.job_schemas import job_url
from adapters.http.openai.failures import OpenAIFailureSchema
from adapters.http.openai.listing import PREFIX
from adapters.http.openai.schemas import ImagesRequestSchema, ImagesSchema
from adapters.http.parsing import Blueprint
from adapters.http.redaction import current_redactor
from adapters.http.requests import RequestMaker
from adapters.http.route_errors import DRAWING, SUBMITTING
from adapters.http.waiting import WaitingCallers
from domain.credentials import Scope
from domain.generation import GenerationResult, id_problem
from domain.services.credential_checker import CredentialChecker

__all__ = ["images_blueprint"]

_ID_PREFIX = "openai-"
"""Keeps the ids of this door's jobs apart from those that the caller chose elsewhere."""
_KEY_HEADER = "Idempotency-Key"
_HASHED = re.compile(r"sha256:[0-9a-f]{64}")
_KEY = {
    "in": "header",
    "name": _KEY_HEADER,
    "description": "The same request with the same key is answered with the same pictures, which "
    "are drawn once. Without one each request is drawn anew.",
    "schema": {"type": "string"},
}
_EXAMPLE = {"model": "demo.safetensors", "prompt": "a red circle", "n": 1, "size": "512x512"}


def images_blueprint(
    make_request: RequestMaker, draw: WaitingCallers, checker: CredentialChecker
) -> Blueprint:
    """`/openai/v1/images/generations`."""
    blueprint = Blueprint(
        "openai_images",
        __name__,
        url_prefix=PREFIX,
        description="The OpenAI API: images.",
        failure_schema=OpenAIFailureSchema,
    )
    protect(blueprint, checker, Scope.INFERENCE_RUN)

    @blueprint.post("/images/generations")
    @blueprint.request_headers(_KEY)
    @blueprint.raises(*SUBMITTING, *DRAWING)
    @blueprint.arguments(ImagesRequestSchema, example=_EXAMPLE)
    @blueprint.response(HTTPStatus.OK, ImagesSchema, description="The pictures, in their order.")
    def generate(fields: dict[str, Any]) -> dict[str, object]:
        """Draw pictures and wait for them."""
        as_url = fields.pop("response_format") == "url"
        caller = current_principal().name
        wanted = make_request({**fields, "id": _job_id()}, caller=caller, natively=True)
        result = draw.pictures(wanted, caller=caller)
        return _answer(result, as_url=as_url)

    return blueprint


def _job_id() -> str:
    """The same for the same `Idempotency-Key`, whatever that is; else one that no job has.

    A key that cannot be part of an id is hashed. So is one that holds a credential of this
    service, and one that looks as if it had been hashed.
    """
    key = request.headers.get(_KEY_HEADER)
    if key is None:
        return _ID_PREFIX + uuid.uuid4().hex
    fits = id_problem(_ID_PREFIX + key) is None and not _HASHED.fullmatch(key)
    if fits and not current_redactor().holds(key):
        return _ID_PREFIX + key
    return f"{_ID_PREFIX}sha256:{hashlib.sha256(key.encode()).hexdigest()}"


def _answer(result: GenerationResult, *, as_url: bool) -> dict[str, object]:
    """The pictures in their order. A link is to the job's image, which its caller alone may see."""
    job = request.url_root.rstrip("/") + job_url(result.request.id)
    data: list[dict[str, object]] = []
    for number, image in enumerate(result.images):
        picture = (
            {"url": f"{job}/images/{number}"}
            if as_url
            else {"b64_json": base64.b64encode(image.data).decode("ascii")}
        )
        data.append({**picture, "seed": image.seed})
    return {
        "created": int(time.time()),
        "data": data,
        "output_format": result.request.output_format.value,
        "size": f"{result.request.width}x{result.request.height}",
    }
