"""Serves the OpenAPI document, and a page that sends requests."""

import threading
from http import HTTPStatus
from importlib.resources import as_file, files
from pathlib import Path

from flask import Blueprint, Flask, Response, current_app, json, request, send_from_directory

from adapters.http.description.blueprint import DescribedBlueprint
from adapters.http.description.document import document_of
from adapters.http.description.examples import EXAMPLE_MODEL_ID
from adapters.http.description.headers import response_headers
from domain.errors import ModelNotFound, ModelsNotRead
from domain.services.model_registry import ModelRegistry

__all__ = ["explorer_assets_blueprint", "explorer_blueprint"]

_FOLDER = Path(__file__).with_name("explorer")
_OWN_ASSETS = ("explorer.css", "explorer.js")
# The package's own page needs inline scripts, so only its assets are used.
_SWAGGER_UI = "flask_swagger_ui"
_SWAGGER_UI_ASSETS = ("favicon-32x32.png", "swagger-ui-bundle.js", "swagger-ui.css")
_CACHING = {"Cache-Control": "no-cache"}
# Swagger UI's stylesheet holds its icons as data: URLs, and shows a picture as a blob: URL.
_CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_CACHED = ("ETag", "Cache-Control")


def explorer_blueprint(registry: ModelRegistry) -> DescribedBlueprint:
    """`/openapi.json` and `/docs`. The examples name a model that can draw now."""
    blueprint = DescribedBlueprint("openapi", __name__, description="The description of this API.")
    written = _SerializedDocument()

    @blueprint.get("/openapi.json")
    @blueprint.request_headers("If-None-Match")
    @blueprint.response(
        HTTPStatus.OK,
        {"type": "object"},
        description="An OpenAPI 3.1 document.",
        headers=response_headers(*_CACHED),
    )
    @blueprint.alt_response(
        HTTPStatus.NOT_MODIFIED,
        description="It has not changed.",
        headers=response_headers(*_CACHED),
    )
    def document() -> Response:
        """The description of this API, for tools."""
        text = written(current_app)
        if (model_id := _model_id(registry)) is not None:
            text = text.replace(EXAMPLE_MODEL_ID, model_id)
        return _conditional(Response(text, content_type="application/json"))

    @blueprint.get("/docs")
    @blueprint.request_headers("If-None-Match")
    @blueprint.response(
        HTTPStatus.OK,
        {"type": "string"},
        content_type="text/html",
        description="The page. It loads nothing from other servers.",
        headers=response_headers(*_CACHED, "Content-Security-Policy"),
    )
    @blueprint.alt_response(
        HTTPStatus.NOT_MODIFIED,
        description="It has not changed.",
        headers=response_headers(*_CACHED, "Content-Security-Policy"),
    )
    def page() -> Response:
        """A page that shows the description of this API and sends requests."""
        html = (_FOLDER / "index.html").read_bytes()
        response = _conditional(Response(html, content_type="text/html; charset=utf-8"))
        response.headers["Content-Security-Policy"] = _CONTENT_SECURITY_POLICY
        return response

    return blueprint


def explorer_assets_blueprint() -> Blueprint:
    """The scripts and styles of `/docs`. They are not part of the API."""
    blueprint = Blueprint("explorer_assets", __name__, url_prefix="/docs")
    with as_file(files(_SWAGGER_UI) / "dist") as folder:
        swagger_ui = folder

    def asset(name: str) -> Response:
        return send_from_directory(_FOLDER if name in _OWN_ASSETS else swagger_ui, name)

    for name in (*_OWN_ASSETS, *_SWAGGER_UI_ASSETS):
        blueprint.add_url_rule(f"/{name}", "asset", asset, defaults={"name": name})
    return blueprint


class _SerializedDocument:
    """Serializes the document once, after all blueprints are registered."""

    def __init__(self) -> None:
        self._writing = threading.Lock()
        self._text: str | None = None

    def __call__(self, app: Flask) -> str:
        with self._writing:
            if self._text is None:
                self._text = json.dumps(document_of(app), separators=(",", ":"))
            return self._text


def _model_id(registry: ModelRegistry) -> str | None:
    """Return the id of the default model; None if no model can draw now."""
    try:
        model = registry.resolve(None)
    except (ModelNotFound, ModelsNotRead):
        return None
    return model.id if model.loadable else None


def _conditional(response: Response) -> Response:
    response.headers.update(_CACHING)
    response.add_etag()
    conditional = response.make_conditional(request)
    assert isinstance(conditional, Response)  # noqa: S101 - it is the same one
    return conditional
