"""Answers every error of the application in the form of the requested API."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as BaseResponse

from adapters.http.problems.details import render_problem
from adapters.http.problems.rows import ErrorTable, Problem, fields_of
from adapters.http.problems.table import PROBLEMS
from domain import errors

__all__ = ["ErrorForm", "install_error_handlers", "problem_of"]

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


@dataclass(frozen=True, slots=True)
class ErrorForm:
    """How one API answers errors.

    Attributes:
        table: The status and the words of each class of the domain's errors.
        render: Makes the response to a problem, in the shape that the API's clients know.
    """

    table: ErrorTable
    render: Callable[[Problem], Response]


_PROBLEM_DETAILS = ErrorForm(PROBLEMS, render_problem)


def install_error_handlers(app: Flask, forms: Mapping[str, ErrorForm]) -> None:
    """Answer every error of `app`, expected or not.

    `forms` maps a path to the form of the errors at that path and at all paths below it, also at
    those without a route. At every other path an error is answered with problem details.
    """

    def answer(error: Exception) -> BaseResponse:
        if isinstance(error, HTTPException) and (error.code or 0) < HTTPStatus.BAD_REQUEST:
            return error.get_response()  # a redirect
        path = f"{request.path}/"
        found = (form for prefix, form in forms.items() if path.startswith(f"{prefix}/"))
        form = next(found, _PROBLEM_DETAILS)
        problem = problem_of(error, form.table)
        g.problem_code = problem.code
        response = form.render(problem)
        for name, value in problem.headers.items():
            response.headers.setdefault(name, value)
        return response

    for kind in (
        HTTPException,
        Exception,
    ):  # flask-smorest has registered its own handler for the first
        app.register_error_handler(kind, answer)


def problem_of(error: Exception, table: ErrorTable = PROBLEMS) -> Problem:
    """Return the problem that `error` is in an API with this table. Log an unexpected error."""
    if isinstance(error, errors.DomainError):
        return _of_domain_error(error, table)
    if isinstance(error, HTTPException):
        return _of_http_error(error, HTTPStatus(error.code or HTTPStatus.INTERNAL_SERVER_ERROR))
    return _of_unexpected_error(error)


def _of_domain_error(error: errors.DomainError, table: ErrorTable) -> Problem:
    headers: dict[str, str] = {}
    if isinstance(error, errors.Unauthenticated):
        challenge = 'Bearer error="invalid_token"' if error.credential_sent else "Bearer"
        headers["WWW-Authenticate"] = challenge
    if isinstance(error, errors.Refused):
        headers["Retry-After"] = str(error.retry_after)
    row = errors.row_of(table, error)
    return Problem(row.status, error.code, row.words.of(error), fields_of(error), headers, error)


def _of_http_error(error: HTTPException, status: HTTPStatus) -> Problem:
    code = _CODES.get(status, error.name.lower().replace(" ", "_"))
    detail = _DETAILS.get(status, error.description or status.description)
    headers = {
        name: value
        for name, value in error.get_headers()
        if name.lower() not in ("content-type", "content-length")
    }
    return Problem(status, code, detail, headers=headers)


def _of_unexpected_error(error: Exception) -> Problem:
    _log.error("unexpected error, request_id=%s", g.get("request_id"), exc_info=error)
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    return Problem(status, _CODES[status], _DETAILS[status])
