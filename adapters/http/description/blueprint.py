"""A blueprint that documents its routes in OpenAPI from their own declarations."""

from collections.abc import Callable, Iterable
from copy import deepcopy
from http import HTTPStatus
from typing import Any, TypeVar

import flask_smorest
from apispec import APISpec
from flask import Flask
from marshmallow import Schema
from werkzeug import exceptions

from adapters.http.description.answers import ProblemSchema
from adapters.http.description.errors import error_responses
from adapters.http.description.headers import ALWAYS, response_headers
from adapters.http.foreign_pages import CHANGES_NOTHING, ForeignPage
from domain.credentials import Scope
from domain.errors import InvalidRequest, ScopeMissing, Unauthenticated

__all__ = ["DescribedBlueprint"]

_Route = TypeVar("_Route", bound=Callable[..., Any])

_BODY_ERRORS = (
    exceptions.BadRequest,
    exceptions.RequestEntityTooLarge,
    exceptions.UnsupportedMediaType,
    InvalidRequest,
)


class DescribedBlueprint(flask_smorest.Blueprint):
    """A flask-smorest blueprint that describes the errors of its routes.

    Args:
        error_schema: The shape of the blueprint's errors; problem details by default.
    """

    def __init__(
        self, *args: Any, error_schema: type[Schema] = ProblemSchema, **options: Any
    ) -> None:
        super().__init__(*args, **options)
        self._error_schema = error_schema
        self._security: list[dict[str, list[str]]] = []
        self._guard_errors: tuple[type[Exception], ...] = ()
        self._prepare_doc_cbks.append(self._add_errors_and_headers)

    def describe_guard(self, schemes: Iterable[str], scope: Scope | None) -> None:
        """Declare that every route needs a credential, sent by any of these security schemes."""
        scopes = [] if scope is None else [scope.value]
        self._security = [{scheme: scopes} for scheme in schemes]
        self._guard_errors = (
            (Unauthenticated,) if scope is None else (Unauthenticated, ScopeMissing)
        )

    def raises(self, *errors: type[Exception]) -> Callable[[_Route], _Route]:
        """Declare the errors that a route itself can raise.

        Errors of its arguments, of `protect` and of every route are described without it.
        """
        return _record("raises", errors)

    def request_headers(self, *headers: str | dict[str, Any]) -> Callable[[_Route], _Route]:
        """Declare the request headers that a route reads.

        Each is a name that `description.headers` describes, or an OpenAPI parameter object.
        """
        return _record("request_headers", headers)

    def register_views_in_doc(self, *args: Any, name: str, **options: Any) -> None:
        """Name each operation. flask-smorest calls this when the blueprint is registered."""
        for endpoint, by_method in self._docs.items():
            for method, doc_info in by_method.items():
                if method != "parameters":  # those of all methods
                    manual = doc_info.setdefault("manual_doc", {})
                    manual.setdefault("operationId", f"{name}_{endpoint}")
        super().register_views_in_doc(*args, name=name, **options)

    def _add_errors_and_headers(
        self,
        doc: dict[str, Any],
        doc_info: dict[str, Any],
        *,
        app: Flask,
        spec: APISpec,
        method: str,
        **_: Any,
    ) -> dict[str, Any]:
        """Describe errors and headers. flask-smorest calls this for each route, after its own."""
        doc["security"] = self._security
        parameters = doc.setdefault("parameters", [])
        parameters += [*doc_info.get("request_headers", ()), "X-Request-ID"]
        responses: dict[Any, Any] = doc.setdefault("responses", {})
        responses.pop(HTTPStatus.UNPROCESSABLE_ENTITY, None)  # flask-smorest's own description
        responses_to_errors = error_responses(
            app,
            spec,
            self._errors(doc, doc_info, method),
            prefix=self.url_prefix or "/",
            schema=self._error_component(spec),
        )
        responses |= {
            each: found for each, found in responses_to_errors.items() if each not in responses
        }
        for response in responses.values():
            response["headers"] = response.get("headers", {}) | response_headers(*ALWAYS)
        doc["responses"] = dict(sorted(responses.items()))
        return doc

    def _errors(
        self, doc: dict[str, Any], doc_info: dict[str, Any], method: str
    ) -> list[type[Exception]]:
        found = [*self._guard_errors]
        if found and method.upper() not in CHANGES_NOTHING:
            found.append(ForeignPage)
        if "requestBody" in doc:
            found += _BODY_ERRORS
        elif doc_info.get("arguments"):
            found.append(InvalidRequest)
        return [*found, *doc_info.get("raises", ()), exceptions.InternalServerError]

    def _error_component(self, spec: APISpec) -> str:
        """Return the name of the component that describes the shape of an error."""
        plugin = next(each for each in spec.plugins if hasattr(each, "converter"))
        found: dict[str, str] = plugin.converter.resolve_nested_schema(self._error_schema)
        return found["$ref"].rsplit("/", 1)[-1]


def _record(word: str, values: tuple[Any, ...]) -> Callable[[_Route], _Route]:
    def decorate(route: _Route) -> _Route:
        # A copy: the recorded values belong to the decorator that recorded them.
        known = deepcopy(getattr(route, "_apidoc", {}))
        known[word] = [*known.get(word, ()), *values]
        route._apidoc = known  # type: ignore[attr-defined]
        return route

    return decorate
