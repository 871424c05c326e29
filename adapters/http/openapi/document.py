"""The document, as far as it is of no route: what it is called, how callers show who they are."""

import json
from collections.abc import Mapping
from typing import Any

import flask_smorest
from flask import Flask

from adapters.http.openapi.converter import SchemaPlugin
from adapters.http.openapi.headers import register_headers
from application.version import NAME, VERSION

__all__ = ["BASIC", "BEARER", "document_of", "documented_api"]

BEARER = "bearer"
"""The security scheme that has the credential of RFC 6750, section 2.1."""
BASIC = "basic"
"""The one of RFC 7617, for doors whose clients send a password."""

_DESCRIPTION = """\
Stable Diffusion behind an API: model files lie in a folder, a client sends a prompt and gets
pictures.

**Credentials.** `Authorization: Bearer <API key or token>`. An API key has every right and mints
tokens at `POST /v1/tokens`; the scopes that a route wants are beside it.

**Errors** are problem details (RFC 9457) with a stable `code`, but for doors to other APIs, which
have that API's shape. Beside what each route lists: an address with nothing at it is 404
`not_found`, a method that it does not take 405 `method_not_allowed` with `Allow`, and bytes that
are no HTTP request 400 `bad_request`, 414 `request_uri_too_long` or 431
`request_header_fields_too_large`.

**Everywhere.** HEAD works where GET does, OPTIONS at every address. Every response carries
`X-Request-ID`. CORS follows `CORS_ORIGINS`. Further fields may be added to any answer; none is
ever removed or renamed.
"""
_SCHEMES: Mapping[str, dict[str, Any]] = {
    BEARER: {
        "type": "http",
        "scheme": "bearer",
        "description": "An API key, or a token (JWT) from `POST /v1/tokens`.",
    },
    BASIC: {
        "type": "http",
        "scheme": "basic",
        "description": "The API key as password; the user's name is not looked at.",
    },
}


class _Api(flask_smorest.Api):
    DEFAULT_ERROR_RESPONSE_NAME = None  # each error has its own


def documented_api(app: Flask, *, request_defaults: Mapping[str, object]) -> flask_smorest.Api:
    """What blueprints of `app` are registered with to be in its OpenAPI document, `.spec`.

    `request_defaults` are those of a `GenerationRequest` as this service is configured.
    """
    app.config.update(API_TITLE=NAME, API_VERSION=VERSION, OPENAPI_VERSION="3.1.0")
    api = _Api(
        app,
        spec_kwargs={
            "marshmallow_plugin": SchemaPlugin(request_defaults),
            "info": {"description": _DESCRIPTION},
            "servers": [{"url": "/", "description": "This service"}],
        },
    )
    for name, scheme in _SCHEMES.items():
        api.spec.components.security_scheme(name, scheme)
    register_headers(api.spec)
    return api


def document_of(app: Flask) -> dict[str, Any]:
    """The OpenAPI document of everything that was registered with `documented_api(app)`."""
    api = app.extensions["flask-smorest"]["apis"][""]["ext_obj"]
    document: dict[str, Any] = api.spec.to_dict()
    schemas = document["components"]["schemas"]
    written = json.dumps(document)
    for name in [each for each in schemas if f'schemas/{each}"' not in written]:
        del schemas[name]  # flask-smorest has some for what is not used here
    return document
