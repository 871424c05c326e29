"""Errors as that API's clients know them."""

from collections.abc import Mapping
from http import HTTPStatus

from flask import Response, json
from marshmallow import ValidationError, fields

from adapters.http.description.answers import AnswerSchema
from adapters.http.openai.names import NAMES
from adapters.http.problems import Failure
from domain import errors

__all__ = ["OpenAIFailureSchema", "render_failure"]

# Where that API has another status than this service's own. Its clients try 409, 429 and all from
# 500 on again by themselves (`_should_retry` in their `_base_client.py`).
_STATUS: Mapping[type[errors.DomainError], HTTPStatus] = {
    errors.InvalidRequest: HTTPStatus.BAD_REQUEST,
    errors.ModelNotLoadable: HTTPStatus.BAD_REQUEST,
    errors.ModelChanged: HTTPStatus.BAD_REQUEST,
    errors.IdConflict: HTTPStatus.BAD_REQUEST,
    errors.QueueFull: HTTPStatus.TOO_MANY_REQUESTS,
    errors.DeadlineUnmet: HTTPStatus.TOO_MANY_REQUESTS,
    errors.TooManyCallers: HTTPStatus.TOO_MANY_REQUESTS,
}
_FUTILE = (errors.OutOfMemory, errors.JobCancelled)
"""What would be no better a second time, whatever the status makes clients think."""


class _OpenAIErrorSchema(AnswerSchema):
    """The error."""

    message = fields.String(metadata={"description": "What is wrong, for a person to read."})
    type = fields.String()
    param = fields.String(
        allow_none=True, metadata={"description": "The first field that is wrong."}
    )
    code = fields.String(metadata={"description": "A stable word that programs can match."})


class OpenAIFailureSchema(AnswerSchema):
    """An error in the form of the OpenAI API."""

    error = fields.Nested(_OpenAIErrorSchema)


def render_failure(failure: Failure) -> Response:
    """`{"error": {"message", "type", "param", "code"}}`."""
    error = failure.error
    status = failure.status if error is None else _STATUS.get(type(error), failure.status)
    code, message, param = failure.code, failure.detail, None
    if isinstance(error, errors.Unauthenticated):
        code = "invalid_api_key"
    elif isinstance(error, errors.ModelNotFound):
        message = message.replace("GET /v1/models", "GET /openai/v1/models")
        if type(error) is errors.ModelNotFound and not error.bearers:
            # Many clients of that API have a name built in and no field for another.
            message += "; MODEL_ALIASES lets a name that a client has built in stand for one"
        param = "model"
    elif failure.fields:
        # What the schema finds wrong has that API's names already.
        names = {} if isinstance(error and error.__cause__, ValidationError) else NAMES
        param = failure.fields[0].field
        param = names.get(param, param)
    body = {"message": message, "type": _type(status), "param": param, "code": code}
    response = Response(json.dumps({"error": body}), status.value, content_type="application/json")
    if isinstance(error, _FUTILE):
        response.headers["X-Should-Retry"] = "false"
    return response


def _type(status: HTTPStatus) -> str:
    if status is HTTPStatus.TOO_MANY_REQUESTS:
        return "rate_limit_error"
    return "server_error" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "invalid_request_error"
