"""The parts of the document that belong to all routes: its title and the security schemes."""

import json
from collections.abc import Mapping
from typing import Any

import flask_smorest
from flask import Flask

from adapters.http.description.blueprint import DescribedBlueprint
from adapters.http.description.converter import SchemaPlugin
from adapters.http.description.headers import register_headers
from application.version import NAME, VERSION

__all__ = ["BASIC", "BEARER", "document_of", "documented_api"]

BEARER = "bearer"
"""The security scheme of RFC 6750, section 2.1."""
BASIC = "basic"
"""The security scheme of RFC 7617, for APIs whose clients send a password."""

_DESCRIPTION = """\
Stable Diffusion behind an API. Model files are in a folder; a client sends a prompt and gets
pictures.

**Credentials.** `Authorization: Bearer <API key or token>`. An API key has every scope, and makes
tokens at `POST /v1/tokens`. Each route lists the scopes that it needs.

**Errors** are problem details (RFC 9457) with a stable `code`. The routes of other APIs answer
in the form of those APIs. Some errors can come from any route, and no route lists them: 404
`not_found` for an unknown address, 405 `method_not_allowed` (with `Allow`) for a wrong method, and
400 `bad_request`, 408 `request_timeout`, 414 `request_uri_too_long` or 431
`request_header_fields_too_large` for bytes that are not a good HTTP request.

**Everywhere.** HEAD works where GET does, and OPTIONS works at every address. Every response has
an `X-Request-ID`. CORS follows `CORS_ORIGINS`. A new release may add fields to an answer. It never
removes or renames one.
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
        "description": "The API key as the password, with any user name.",
    },
}


class _Api(flask_smorest.Api):
    """Registers blueprints at once, and describes them when the document is first requested.

    The description takes ten times as long, and most processes never need it.
    """

    DEFAULT_ERROR_RESPONSE_NAME = None  # each error has its own

    def __init__(
        self, app: Flask, *, request_defaults: Mapping[str, object], **options: Any
    ) -> None:
        super().__init__(app, **options)
        self.request_defaults = request_defaults
        self._undescribed: list[DescribedBlueprint] = []

    def register_blueprint(self, blp: DescribedBlueprint) -> None:
        """Register `blueprint` as flask-smorest does, without describing it."""
        self._app.extensions["flask-smorest"]["blp_name_to_api"][blp.name] = self
        self._app.register_blueprint(blp)
        self._undescribed.append(blp)

    def describe(self) -> None:
        """Describe the blueprints that were registered since the last call."""
        while self._undescribed:
            blueprint = self._undescribed.pop(0)
            blueprint.register_views_in_doc(
                self, self._app, self.spec, name=blueprint.name, parameters=None
            )
            self.spec.tag({"name": blueprint.name, "description": blueprint.description})


def documented_api(app: Flask, *, request_defaults: Mapping[str, object]) -> flask_smorest.Api:
    """Return the API that registers blueprints of `app` and holds its OpenAPI document, `.spec`.

    `request_defaults` are the configured defaults of a `GenerationRequest`.
    """
    app.config.update(API_TITLE=NAME, API_VERSION=VERSION, OPENAPI_VERSION="3.1.0")
    api = _Api(
        app,
        request_defaults=request_defaults,
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
    """Return the OpenAPI document of all blueprints registered with `documented_api(app)`.

    One thread at a time may call this.
    """
    api = app.extensions["flask-smorest"]["apis"][""]["ext_obj"]
    api.describe()
    document: dict[str, Any] = api.spec.to_dict()
    schemas = document["components"]["schemas"]
    written = json.dumps(document)
    for name in [each for each in schemas if f'schemas/{each}"' not in written]:
        del schemas[name]  # flask-smorest adds some that no route uses
    return document
