"""Problem details (RFC 9457): the shape of errors in this service's own API."""

from http import HTTPStatus

from flask import Response, g, json
from werkzeug.http import HTTP_STATUS_CODES

from adapters.http.problems.rows import Problem, fields_of
from adapters.http.problems.table import PROBLEMS
from application.job import JobFailure
from domain import errors

__all__ = ["job_problem", "problem_response", "render_problem"]

_STATUS_OF_CODE = {error.code: row.status for error, row in PROBLEMS.items()}


def problem_response(
    status: HTTPStatus,
    *,
    code: str,
    detail: str,
    fields: tuple[errors.FieldProblem, ...] = (),
) -> Response:
    """Return a problem response; `fields` become its `errors`, one entry for each wrong field."""
    body = _body(status, code, detail, fields) | {"request_id": g.get("request_id")}
    return Response(json.dumps(body), status.value, content_type="application/problem+json")


def render_problem(problem: Problem) -> Response:
    """Return the answer to a request of this API."""
    return problem_response(
        problem.status, code=problem.code, detail=problem.detail, fields=problem.fields
    )


def job_problem(failure: JobFailure) -> dict[str, object]:
    """Return the problem that a job ended with, as a client that waited for the job received it.

    It belongs to no request: several requests may have asked for the job, and an earlier process
    may have drawn it.
    """
    if (error := failure.error) is not None:
        row = errors.row_of(PROBLEMS, error)
        return _body(row.status, failure.code, row.words.of(error), fields_of(error))
    status = _STATUS_OF_CODE.get(failure.code, HTTPStatus.INTERNAL_SERVER_ERROR)
    return _body(status, failure.code, failure.detail)


def _body(
    status: HTTPStatus,
    code: str,
    detail: str,
    fields: tuple[errors.FieldProblem, ...] = (),
) -> dict[str, object]:
    body: dict[str, object] = {
        "type": f"urn:ai-inference:problem:{code}",
        # Not status.phrase: some phrases of Python 3.13 differ from those of 3.12.
        "title": HTTP_STATUS_CODES[status],
        "status": status.value,
        "detail": detail,
        "code": code,
        "request_id": None,
    }
    if fields:
        body["errors"] = [{"field": row.field, "message": row.message} for row in fields]
    return body
