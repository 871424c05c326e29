"""Errors in the form that clients of AUTOMATIC1111's API know."""

from collections.abc import Mapping
from http import HTTPStatus

from flask import Response, json
from marshmallow import ValidationError, fields

from adapters.http.automatic1111.names import NAMES
from adapters.http.description.answers import AnswerSchema
from adapters.http.problems.common import COMMON
from adapters.http.problems.handlers import ErrorForm
from adapters.http.problems.rows import ErrorTable, Problem, row
from domain import errors

__all__ = ["ERRORS", "ERROR_FORM", "SdapiErrorSchema"]

_CHALLENGE = "WWW-Authenticate"
_BASIC = 'Basic realm="ai-inference", charset="UTF-8"'
_SHOWN_CHARACTERS = 80
_CHECKPOINT = "checkpoint"
_KINDS: Mapping[str, tuple[str, str]] = {
    "prompt": ("LoRA", "/sdapi/v1/loras"),
    "sd_vae": ("VAE", "/sdapi/v1/sd-vae"),
    "].model": ("ControlNet", "/controlnet/model_list"),
    "upscaler": ("upscaler", "/sdapi/v1/upscalers"),
}
"""What a field with this ending names, and the path of its list."""
_LATER = "try again in a moment"


def _model(error: errors.ModelNotFound) -> str:
    if error.bearers:
        return str(error)
    kind, _ = _kind_of(error)
    more = f" ({error.unfinished})" if error.unfinished else ""
    return f"the {kind} {error.wanted[:_SHOWN_CHARACTERS]!a} is not there{more}"


def _choice(error: errors.ModelNotFound) -> str:
    kind, path = _kind_of(error)
    if error.bearers:
        title = "title" if kind == _CHECKPOINT else "path"
        return f"send the {title} of one"
    return f"GET {path} lists all"


def _kind_of(error: errors.ModelNotFound) -> tuple[str, str]:
    """Return what the model is, and the path of the list of those that there are."""
    for ending, told in _KINDS.items():
        if error.field.endswith(ending):
            return told
    return _CHECKPOINT, "/sdapi/v1/sd-models"


def _problems(error: errors.InvalidRequest) -> str:
    return "; ".join(f"{_own_name(error, each.field)} {each.message}" for each in error.problems)


def _own_name(error: BaseException | None, field: str) -> str:
    """Return AUTOMATIC1111's name of a wrong field. The schema has it; the domain has its own."""
    names = {} if error is None or isinstance(error.__cause__, ValidationError) else NAMES
    return names.get(field, field)


def _memory(error: errors.OutOfMemory) -> str:
    if error.tiling_helps:
        return "VAE_TILING=auto decodes it tile by tile, or ask for a smaller picture"
    if error.is_of_the_model:
        return "choose a smaller model"
    return "ask for a smaller width and height, or a smaller batch_size"


ERRORS: ErrorTable = {
    **COMMON,
    errors.InvalidRequest: row(HTTPStatus.UNPROCESSABLE_ENTITY, says=_problems),
    errors.AddonMismatch: row(HTTPStatus.UNPROCESSABLE_ENTITY, says=_problems),
    errors.Unauthenticated: row(
        HTTPStatus.UNAUTHORIZED,
        "send the API key as the password (Basic) or as a Bearer token",
        says=lambda _: "the credential is missing or not valid",
    ),
    errors.ModelNotFound: row(HTTPStatus.NOT_FOUND, _choice, says=_model),
    errors.NoModel: row(
        HTTPStatus.NOT_FOUND,
        "put one into a folder of MODEL_DIRS",
        says=lambda _: "there is no checkpoint to draw with",
    ),
    errors.ModelChanged: row(
        HTTPStatus.UNPROCESSABLE_ENTITY, "GET /sdapi/v1/sd-models has its new title"
    ),
    errors.OutOfMemory: row(HTTPStatus.INSUFFICIENT_STORAGE, _memory),
    errors.JobNotFound: row(
        HTTPStatus.NOT_FOUND,
        "it may have ended meanwhile",
        says=lambda error: f"you have no task {error.job_id!a}",
    ),
    errors.ImageNotReady: row(HTTPStatus.NOT_FOUND, _LATER),
    errors.IdConflict: row(HTTPStatus.CONFLICT, "send the request again"),
    errors.DeadlineUnmet: row(HTTPStatus.SERVICE_UNAVAILABLE, _LATER),
    errors.TooManyCallers: row(
        HTTPStatus.SERVICE_UNAVAILABLE, lambda error: f"try again in {error.retry_after} s"
    ),
    errors.ModelsNotRead: row(
        HTTPStatus.SERVICE_UNAVAILABLE, _LATER, says=lambda _: "not all checkpoints are read yet"
    ),
}
"""The status, the sentence and the remedy of each class of errors."""

_TEXT = {"type": "string"}
_WRONG_FIELD = {
    "type": "object",
    "required": ["loc", "msg", "type"],
    "additionalProperties": False,
    "properties": {
        "loc": {
            "type": "array",
            "items": _TEXT,
            "description": "`body`, then the name of the field.",
        },
        "msg": _TEXT,
        "type": _TEXT,
    },
}


class SdapiErrorSchema(AnswerSchema):
    """An error in the form of AUTOMATIC1111's API."""

    error = fields.String(metadata={"description": "A stable word that programs can match."})
    detail = fields.Raw(
        metadata={
            "oneOf": [_TEXT, {"type": "array", "items": _WRONG_FIELD}],
            "description": "What is wrong: a text, or a list with an entry for each wrong field.",
        }
    )
    body = fields.String(metadata={"description": "Always empty."})
    errors = fields.String(metadata={"description": "What is wrong, for a person to read."})


def _render(problem: Problem) -> Response:
    """Return the response with `{"error", "detail", "body", "errors"}`, as `api_middleware` does.

    For wrong fields, `detail` is a list of `{"loc", "msg", "type"}`, as in FastAPI.
    """
    error = problem.error
    wrong = problem.fields
    if isinstance(error, errors.UnreadablePicture):
        wrong = (errors.FieldProblem("image", error.what),)
    rows = [
        {
            "loc": ["body", *_own_name(error, row.field).split(".", 1)],
            "msg": row.message,
            "type": "value_error",
        }
        for row in wrong
    ]
    message = problem.detail
    body = {"error": problem.code, "detail": rows or message, "body": "", "errors": message}
    response = Response(json.dumps(body), problem.status.value, content_type="application/json")
    if challenge := problem.headers.get(_CHALLENGE):
        # Two headers, because Chromium cannot read both challenges from one.
        response.headers.add(_CHALLENGE, _BASIC)
        response.headers.add(_CHALLENGE, challenge)
    return response


ERROR_FORM = ErrorForm(ERRORS, _render)
"""How this API answers errors."""
