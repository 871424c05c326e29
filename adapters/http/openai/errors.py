"""Errors in the form that clients of the OpenAI API know."""

import dataclasses
from http import HTTPStatus

from flask import Response, json
from marshmallow import ValidationError, fields

from adapters.http.description.answers import AnswerSchema
from adapters.http.openai.names import NAMES
from adapters.http.problems.common import COMMON, SEND_AGAIN
from adapters.http.problems.handlers import ErrorForm
from adapters.http.problems.rows import ErrorRow, ErrorTable, Problem, row
from domain import errors

__all__ = ["ERRORS", "ERROR_FORM", "OpenAIErrorSchema", "error_body"]

_NOT_WORTH_A_RETRY = (errors.OutOfMemory, errors.JobCancelled)
"""Errors that a second attempt would raise again, although clients retry such statuses."""
_LIST = "GET /openai/v1/models lists the models"
_LATER = "try again in a moment"


def _model(error: errors.ModelNotFound) -> str:
    if error.bearers or error.field:
        return "send the id of one"
    # Many clients of the OpenAI API use a fixed name of a model and cannot send another.
    return f"{_LIST}; MODEL_ALIASES lets a client's fixed name stand for one"


def _problems(error: errors.InvalidRequest) -> str:
    return "; ".join(f"{_own_name(error, each)} {each.message}" for each in error.problems)


def _own_name(error: errors.InvalidRequest, problem: errors.FieldProblem) -> str:
    """Return the OpenAI API's name of a wrong field. The schema has it; the domain has its own."""
    names = {} if isinstance(error.__cause__, ValidationError) else NAMES
    return names.get(problem.field, problem.field)


def _memory(error: errors.OutOfMemory) -> str:
    if error.tiling_helps:
        return "VAE_TILING=auto decodes it tile by tile, or ask for a smaller size"
    if error.is_of_the_model:
        return "choose a smaller model"
    return "ask for a smaller size or a smaller n"


def _with(error: type[errors.DomainError], status: HTTPStatus) -> ErrorRow:
    """Return the common row with the status that the OpenAI API has for such errors."""
    return dataclasses.replace(COMMON[error], status=status)


# OpenAI's clients retry 408, 409, 429 and all statuses from 500 on (`_should_retry` in their
# `_base_client.py`). So permanent errors have 400, and refusals that pass have 429.
ERRORS: ErrorTable = {
    **COMMON,
    errors.InvalidRequest: row(HTTPStatus.BAD_REQUEST, says=_problems),
    errors.AddonMismatch: row(HTTPStatus.BAD_REQUEST, says=_problems),
    errors.Unauthenticated: row(
        HTTPStatus.UNAUTHORIZED, "send a current API key or token as the API key of your client"
    ),
    errors.ModelNotFound: row(HTTPStatus.NOT_FOUND, _model),
    errors.NoModel: row(
        HTTPStatus.NOT_FOUND, "put a checkpoint into one of the folders that MODEL_DIRS names"
    ),
    errors.ModelNotLoadable: _with(errors.ModelNotLoadable, HTTPStatus.BAD_REQUEST),
    errors.ModelChanged: row(HTTPStatus.BAD_REQUEST, "GET /openai/v1/models has its new id"),
    errors.OutOfMemory: row(HTTPStatus.INSUFFICIENT_STORAGE, _memory),
    errors.JobNotFound: row(HTTPStatus.NOT_FOUND, "send the request again"),
    errors.ImageNotReady: row(HTTPStatus.NOT_FOUND, _LATER),
    errors.IdConflict: row(
        HTTPStatus.BAD_REQUEST,
        "send a new key, or the same request again to get its pictures",
        says=lambda _: "this Idempotency-Key belongs to another request of yours",
    ),
    errors.QueueFull: _with(errors.QueueFull, HTTPStatus.TOO_MANY_REQUESTS),
    errors.DeadlineUnmet: row(HTTPStatus.TOO_MANY_REQUESTS, _LATER),
    errors.TooManyCallers: row(
        HTTPStatus.TOO_MANY_REQUESTS, lambda error: f"try again in {error.retry_after} s"
    ),
    errors.ModelsNotRead: row(HTTPStatus.SERVICE_UNAVAILABLE, f"{SEND_AGAIN}. {_LIST}"),
}
"""The status, the sentence and the remedy of each class of errors."""


class _OpenAIErrorDetailsSchema(AnswerSchema):
    """The error."""

    message = fields.String(metadata={"description": "What is wrong, for a person to read."})
    type = fields.String()
    param = fields.String(
        allow_none=True, metadata={"description": "The first field that is wrong."}
    )
    code = fields.String(metadata={"description": "A stable word that programs can match."})


class OpenAIErrorSchema(AnswerSchema):
    """An error in the form of the OpenAI API."""

    error = fields.Nested(_OpenAIErrorDetailsSchema)


def error_body(problem: Problem) -> dict[str, str | None]:
    """Return the error itself: its `message`, `type`, `param` and `code`."""
    error, status = problem.error, problem.status
    code, param = problem.code, None
    if isinstance(error, errors.Unauthenticated):
        code = "invalid_api_key"
    elif isinstance(error, errors.ModelNotFound):
        param = error.field or "model"
    elif isinstance(error, errors.InvalidRequest):
        param = _own_name(error, error.problems[0])
    return {"message": problem.detail, "type": _type(status), "param": param, "code": code}


def _render(problem: Problem) -> Response:
    """Return the response with `{"error": error_body(problem)}`."""
    body = json.dumps({"error": error_body(problem)})
    response = Response(body, problem.status.value, content_type="application/json")
    if isinstance(problem.error, _NOT_WORTH_A_RETRY):
        response.headers["X-Should-Retry"] = "false"
    return response


def _type(status: HTTPStatus) -> str:
    if status is HTTPStatus.TOO_MANY_REQUESTS:
        return "rate_limit_error"
    return "server_error" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "invalid_request_error"


ERROR_FORM = ErrorForm(ERRORS, _render)
"""How this API answers errors."""
