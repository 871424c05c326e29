"""Errors as RFC 9457 problem details. Only here does a domain error have a status code."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from flask import Flask, Response, g, json, request
from werkzeug.exceptions import HTTPException
from werkzeug.http import HTTP_STATUS_CODES
from werkzeug.wrappers import Response as BaseResponse

from application.job import JobFailure
from domain import errors

__all__ = [
    "STATUS",
    "Failure",
    "Renderer",
    "failure_body",
    "failure_of",
    "install_error_handlers",
    "problem",
]

STATUS: Mapping[type[errors.DomainError], HTTPStatus] = {
    errors.InvalidRequest: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.Unauthenticated: HTTPStatus.UNAUTHORIZED,
    errors.Forbidden: HTTPStatus.FORBIDDEN,
    errors.TokenMintingForbidden: HTTPStatus.FORBIDDEN,
    errors.LinkNotValid: HTTPStatus.FORBIDDEN,
    errors.TokensUnavailable: HTTPStatus.NOT_IMPLEMENTED,
    errors.ModelNotFound: HTTPStatus.NOT_FOUND,
    errors.NoModel: HTTPStatus.NOT_FOUND,
    errors.ModelNotLoadable: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.ModelChanged: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.OutOfMemory: HTTPStatus.INSUFFICIENT_STORAGE,
    errors.GenerationFailed: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.DeviceLost: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.DeviceUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.JobNotFound: HTTPStatus.NOT_FOUND,
    errors.ImageNotFound: HTTPStatus.NOT_FOUND,
    errors.ImageNotReady: HTTPStatus.NOT_FOUND,
    errors.JobRunning: HTTPStatus.CONFLICT,
    errors.JobNotReadable: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.PicturesLost: HTTPStatus.GONE,
    errors.IdConflict: HTTPStatus.CONFLICT,
    errors.JobCancelled: HTTPStatus.CONFLICT,
    errors.UnreadablePicture: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.StorageUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.StorageInUse: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.Refused: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.QueueFull: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.DeadlineUnmet: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.TooManyCallers: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.ModelsNotRead: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.ShuttingDown: HTTPStatus.SERVICE_UNAVAILABLE,
}

_STATUS_OF_CODE = {error.code: status for error, status in STATUS.items()}
_CODES = {
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "body_too_large",
    HTTPStatus.INTERNAL_SERVER_ERROR: "internal_error",
}
_DETAILS = {
    HTTPStatus.NOT_FOUND: "there is nothing at this address; GET / lists what there is",
    HTTPStatus.METHOD_NOT_ALLOWED: "this address does not take this method; the header Allow "
    "lists the methods",
    HTTPStatus.INTERNAL_SERVER_ERROR: "an unexpected error; the log has it under this request_id",
}

_log = logging.getLogger(__name__)


def problem(
    status: HTTPStatus,
    *,
    code: str,
    detail: str,
    fields: tuple[errors.FieldProblem, ...] = (),
) -> Response:
    """A problem response; `fields` become its `errors`, one row for each wrong field."""
    body = _body(status, code, detail) | {"request_id": g.get("request_id")}
    if fields:
        body["errors"] = [{"field": row.field, "message": row.message} for row in fields]
    return Response(json.dumps(body), status.value, content_type="application/problem+json")


def failure_body(failure: JobFailure) -> dict[str, object]:
    """The problem that a job ended with: what whoever waited for it was told.

    It is of no request: the job may have been asked for in several, and in an earlier run.
    """
    status = _STATUS_OF_CODE.get(failure.code, HTTPStatus.INTERNAL_SERVER_ERROR)
    return _body(status, failure.code, failure.detail)


def _body(status: HTTPStatus, code: str, detail: str) -> dict[str, object]:
    return {
        "type": f"urn:ai-inference:problem:{code}",
        # Not status.phrase: Python 3.13 has other words for some than 3.12.
        "title": HTTP_STATUS_CODES[status],
        "status": status.value,
        "detail": detail,
        "code": code,
        "request_id": None,
    }


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong with a request, before it has a shape.

    Attributes:
        status: As these problem details have it; a door to another API may have its own.
        code: The stable word.
        detail: For a person to read.
        fields: One row for each wrong field.
        headers: What the answer must carry whatever its shape.
        error: The domain's error; None when it never got there.
    """

    status: HTTPStatus
    code: str
    detail: str
    fields: tuple[errors.FieldProblem, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    error: errors.DomainError | None = None


Renderer = Callable[[Failure], Response]
"""Gives a failure the shape that the clients of one API know."""


def install_error_handlers(app: Flask, doors: Mapping[str, Renderer]) -> None:
    """Answer every error of `app`, expected or not, with problem details.

    At a path that is a key of `doors` and all below it, known routes or not, it has that shape.
    """

    def render(failure: Failure) -> Response:
        g.failure_code = failure.code
        path = f"{request.path}/"
        shapes = (shape for door, shape in doors.items() if path.startswith(f"{door}/"))
        response = next(shapes, _problem_details)(failure)
        for name, value in failure.headers.items():
            response.headers.setdefault(name, value)
        return response

    def answer(error: Exception) -> BaseResponse:
        if isinstance(error, HTTPException) and (error.code or 0) < HTTPStatus.BAD_REQUEST:
            return error.get_response()  # a redirect
        return render(failure_of(error))

    for kind in (HTTPException, Exception):  # flask-smorest has registered its own for the first
        app.register_error_handler(kind, answer)


def failure_of(error: Exception) -> Failure:
    """What `error` comes to, expected or not; an unexpected one is logged."""
    if isinstance(error, errors.DomainError):
        return _of_domain_error(error)
    if isinstance(error, HTTPException):
        return _of_http_error(error, HTTPStatus(error.code or HTTPStatus.INTERNAL_SERVER_ERROR))
    return _of_unexpected_error(error)


def _problem_details(failure: Failure) -> Response:
    return problem(failure.status, code=failure.code, detail=failure.detail, fields=failure.fields)


def _of_domain_error(error: errors.DomainError) -> Failure:
    headers: dict[str, str] = {}
    if isinstance(error, errors.Unauthenticated):
        challenge = 'Bearer error="invalid_token"' if error.credential_sent else "Bearer"
        headers["WWW-Authenticate"] = challenge
    if isinstance(error, errors.Refused):
        headers["Retry-After"] = str(error.retry_after)
    fields = error.problems if isinstance(error, errors.InvalidRequest) else ()
    return Failure(STATUS[type(error)], error.code, str(error), fields, headers, error)


def _of_http_error(error: HTTPException, status: HTTPStatus) -> Failure:
    code = _CODES.get(status, error.name.lower().replace(" ", "_"))
    detail = _DETAILS.get(status, error.description or status.description)
    headers = {
        name: value
        for name, value in error.get_headers()
        if name.lower() not in ("content-type", "content-length")
    }
    return Failure(status, code, detail, headers=headers)


def _of_unexpected_error(error: Exception) -> Failure:
    _log.error("unexpected error, request_id=%s", g.get("request_id"), exc_info=error)
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    return Failure(status, _CODES[status], _DETAILS[status])
