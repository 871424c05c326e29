"""Describes error responses by rendering sample errors."""

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from apispec import APISpec
from flask import Flask, Response, g

from adapters.http.description.headers import documented
from adapters.http.description.samples import meaning_of, sample_of
from adapters.http.problems.handlers import problem_of

__all__ = ["error_responses"]

_REQUEST_ID = "5f0c9a52d8b14a6e9d3a7c1e2b4f6a80"


@dataclass(frozen=True, slots=True)
class _Answer:
    """The application's answer to one kind of error."""

    code: str
    meaning: str
    response: Response

    @property
    def body(self) -> Any:
        return json.loads(self.response.get_data())


def error_responses(
    app: Flask, spec: APISpec, errors: Iterable[type[Exception]], *, prefix: str, schema: str
) -> dict[HTTPStatus, dict[str, Any]]:
    """Return OpenAPI's responses to these errors at paths below `prefix`, by their status.

    Each response comes from the application's own error handlers, which get a sample of the error.
    So the description of an API with its own statuses, headers and shapes is correct.
    """
    by_status: dict[HTTPStatus, list[_Answer]] = defaultdict(list)
    for error in dict.fromkeys(errors):
        answer = _answer(app, error, prefix)
        by_status[HTTPStatus(answer.response.status_code)].append(answer)
    return {
        status: _response(spec, status, answers, schema)
        for status, answers in sorted(by_status.items())
    }


def _answer(app: Flask, error: type[Exception], prefix: str) -> _Answer:
    known: dict[object, _Answer] = app.extensions.setdefault(__name__, {})
    if (error, prefix) not in known:
        sample = sample_of(error)
        # A new context has its own `g`: the document may be made while a request is answered.
        with app.app_context(), app.test_request_context(prefix):
            g.request_id = _REQUEST_ID
            response = app.make_response(app.handle_user_exception(sample))
            known[error, prefix] = _Answer(problem_of(sample).code, meaning_of(error), response)
    return known[error, prefix]


def _response(
    spec: APISpec, status: HTTPStatus, answers: list[_Answer], schema: str
) -> dict[str, Any]:
    shape: dict[str, Any] = {"$ref": f"#/components/schemas/{schema}"}
    if all("code" in answer.body for answer in answers):
        codes = [answer.body["code"] for answer in answers]
        shape["properties"] = {"code": {"enum": codes}, "status": {"const": status.value}}
    headers = {name for answer in answers for name in documented(answer.response.headers.keys())}
    (media_type,) = {answer.response.mimetype for answer in answers}
    return {
        "description": " ".join(f"`{answer.code}`: {answer.meaning}" for answer in answers),
        "content": {
            media_type: {
                "schema": shape,
                "examples": {each.code: _example(spec, each, schema) for each in answers},
            }
        },
        "headers": {name: name for name in sorted(headers)},
    }


def _example(spec: APISpec, answer: _Answer, schema: str) -> str:
    """Return the name of the component that shows this answer, and make it if it is missing."""
    name = f"{schema}.{answer.code}"
    if name not in spec.components.examples:
        spec.components.example(name, {"summary": answer.meaning, "value": answer.body})
    return name
