"""A client that checks every answer against the service's own `/openapi.json`."""

import json
import re
from collections.abc import Iterator
from functools import cached_property
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from jsonschema_rs import Draft202012Validator, Registry
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect, Rule
from werkzeug.test import TestResponse

from adapters.http.description.document import document_of

__all__ = ["Document", "DocumentedClient", "document_path", "is_asset", "openapi_path"]

_METHODS = ("get", "post", "put", "patch", "delete")
_HOW = "declare it at the route: blueprint.raises, response or alt_response, with headers="
# Headers of HTTP and CORS themselves, which OpenAPI omits or the document describes once for all.
_UNDESCRIBED = ("content-type", "content-length", "date", "access-control-")


class Document:
    """Return the OpenAPI document of an application, with its schemas closed.

    A client must tolerate further fields, so the document allows them; in these tests they are
    errors.
    """

    def __init__(self, app: Flask) -> None:
        self.contents: dict[str, Any] = json.loads(json.dumps(document_of(app)))

    @cached_property
    def _registry(self) -> Registry:
        strict = json.loads(json.dumps(self.contents))
        for schema in strict["components"]["schemas"].values():
            if "properties" in schema:
                schema.setdefault("additionalProperties", False)
        return Registry([("urn:document", strict)])

    def operations(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Return the method, the path and the description of each operation."""
        for path, item in self.contents["paths"].items():
            yield from ((method, path, item[method]) for method in _METHODS if method in item)

    def resolve(self, described: dict[str, Any]) -> dict[str, Any]:
        """Return what `described` is or refers to."""
        while "$ref" in described:
            found: Any = self.contents
            for step in described["$ref"].removeprefix("#/").split("/"):
                found = found[step.replace("~1", "/").replace("~0", "~")]
            described = found
        return described

    def problems(self, value: object, schema: dict[str, Any]) -> list[str]:
        """Return where `value` does not match `schema`."""
        absolute = json.loads(json.dumps(schema).replace('"#/', '"urn:document#/'))
        validator = Draft202012Validator(absolute, registry=self._registry)
        errors = validator.iter_errors(value)
        return [f"{error.instance_path} {error.message}"[:300] for error in errors]

    def check(self, path: str, method: str, response: TestResponse) -> None:
        """Fail if this answer of an operation is not described."""
        status = str(response.status_code)
        where = f"{method.upper()} {path} answered {status}, which /openapi.json"
        responses = self.contents["paths"][path][method]["responses"]
        assert status in responses, f"{where} does not have; {_HOW}"
        described = self.resolve(responses[status])
        self._check_headers(described, response, where)
        content = described.get("content", {})
        if response.request.method == "HEAD" or not content:
            return
        assert response.mimetype in content, (
            f"{where} describes without {response.mimetype}; {_HOW}"
        )
        if str(response.mimetype).endswith("json"):
            schema = content[response.mimetype]["schema"]
            problems = self.problems(json.loads(response.get_data()), schema)
            assert not problems, f"{where} describes otherwise: {problems}"

    def _check_headers(self, described: dict[str, Any], response: TestResponse, where: str) -> None:
        headers = {
            name.lower(): self.resolve(header) for name, header in described["headers"].items()
        }
        for name, header in headers.items():
            values = response.headers.getlist(name)
            assert values or not header.get("required"), f"{where} describes with {name}"
            whole = header["schema"].get("type") == "integer"
            for value in values:
                problems = self.problems(int(value) if whole else value, header["schema"])
                assert not problems, f"{where} describes with another {name}: {problems}"
        for name, value in response.headers:
            known = name.lower() in headers or name.lower().startswith(_UNDESCRIBED)
            of_cors = (name, value) == ("Vary", "Origin")
            assert known or of_cors, f"{where} describes without the header {name}; {_HOW}"


_documents: dict[object, Document] = {}


def _document(app: Flask) -> Document:
    """Built once for all applications with the same routes and defaults, as most have."""
    api = app.extensions["flask-smorest"]["apis"][""]["ext_obj"]
    key = frozenset(app.view_functions), frozenset(api.request_defaults.items())
    if key not in _documents:
        _documents[key] = Document(app)
    return _documents[key]


class DocumentedClient(FlaskClient):
    """Flask's test client, which fails if an answer does not match the document."""

    def open(self, *args: Any, **options: Any) -> TestResponse:
        response = super().open(*args, **options)
        request = response.request
        path = document_path(self.application, request.path, request.method)
        if path is not None:
            method = "get" if request.method == "HEAD" else request.method.lower()
            _document(self.application).check(path, method, response)
        return response


def is_asset(rule: Rule) -> bool:
    """Return True for files of pages, which are not part of the API: an endpoint `asset`."""
    return rule.endpoint.rsplit(".", 1)[-1] in ("static", "asset")


def document_path(app: Flask, path: str, method: str) -> str | None:
    """Return the path in the document for this request; None if it is not a route of the API."""
    if method == "OPTIONS":
        return None
    try:
        rule, _ = app.url_map.bind("").match(path, method, return_rule=True)
    except (HTTPException, RequestRedirect):
        return None
    if is_asset(rule):
        return None
    return openapi_path(rule)


def openapi_path(rule: Rule) -> str:
    """Return a rule's path in OpenAPI's notation."""
    return re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", rule.rule)
