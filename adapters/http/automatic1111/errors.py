"""Errors as that API's clients know them."""

from flask import Response, json
from marshmallow import ValidationError, fields

from adapters.http.automatic1111.names import NAMES
from adapters.http.description.answers import AnswerSchema
from adapters.http.problems import Failure
from domain import errors

__all__ = ["SdapiFailureSchema", "render_failure"]

_CHALLENGE = "WWW-Authenticate"
_BASIC = 'Basic realm="ai-inference", charset="UTF-8"'


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


class SdapiFailureSchema(AnswerSchema):
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


def render_failure(failure: Failure) -> Response:
    """`{"error", "detail", "body", "errors"}`, as its `api_middleware` has them.

    The `detail` of wrong fields is a list of `{"loc", "msg", "type"}`, which is FastAPI's.
    """
    error = failure.error
    message = failure.detail
    if isinstance(error, errors.Unauthenticated):
        message = (
            "the credential is missing or not valid; send the API key as the password (Basic) or "
            "as a Bearer token"
        )
    elif isinstance(error, errors.ModelNotFound) and not error.bearers:
        message = _no_checkpoint(error.wanted)
    elif isinstance(error, errors.ModelsNotRead):
        message = "not all checkpoints are read yet; try again in a moment"
    wrong = failure.fields
    if isinstance(error, errors.UnreadablePicture):
        wrong = (errors.FieldProblem("image", error.what),)
    # What the schema finds wrong has that API's names already.
    names = {} if error is None or isinstance(error.__cause__, ValidationError) else NAMES
    rows = [
        {
            "loc": ["body", *names.get(row.field, row.field).split(".", 1)],
            "msg": row.message,
            "type": "value_error",
        }
        for row in wrong
    ]
    body = {"error": failure.code, "detail": rows or message, "body": "", "errors": message}
    response = Response(json.dumps(body), failure.status.value, content_type="application/json")
    if challenge := failure.headers.get(_CHALLENGE):
        # Two headers: Chromium cannot read both challenges from one.
        response.headers.add(_CHALLENGE, _BASIC)
        response.headers.add(_CHALLENGE, challenge)
    return response


def _no_checkpoint(wanted: str) -> str:
    if not wanted:
        return "there is no checkpoint to draw with; put one into a folder of MODEL_DIRS"
    return f"the checkpoint {wanted!a} is not there; GET /sdapi/v1/sd-models lists all"
