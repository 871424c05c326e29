"""The routes that need no credential: the name of the service, its health and its readiness."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from flask import Response, request

from adapters.http.description.answers import ProblemSchema
from adapters.http.description.headers import response_headers
from adapters.http.edge.bodies import Blueprint
from adapters.http.page.routes import BrowserPage
from adapters.http.problems.details import problem_response
from adapters.http.problems.table import PROBLEMS
from adapters.http.v1.health_schemas import HealthSchema, IndexSchema, ReadySchema
from application.lifecycle.service import InferenceService, Readiness
from application.version import NAME, VERSION
from domain.errors import DomainError, NoModel, StorageInUse
from domain.ports.image_generator import ImageGenerator
from domain.services.model_registry import ModelRegistry

__all__ = ["public_blueprint"]

_PAGE_HEADERS = ("Cache-Control", "Content-Security-Policy", "ETag", "Referrer-Policy")
"""Headers of the page. The answer in JSON does not have them."""
# Everybody can read this, so it tells nothing of the file.
_NOT_FOLLOWED = (
    "the file of MODEL_SETTINGS has a fault, so its last version without a fault holds; the log "
    "names the fault"
)
_ERRORS: Mapping[Readiness, DomainError] = {
    Readiness.NO_MODEL: NoModel(),
    Readiness.IN_USE: StorageInUse(),
}
_LINKS = {
    "health": "/v1/health",
    "ready": "/health/ready",
    "models": "/v1/models",
    "infer": "/v1/infer",
    "images": "/v1/images",
    "jobs": "/v1/jobs",
    "system": "/v1/system",
    "tokens": "/v1/tokens",
    "openapi": "/openapi.json",
    "docs": "/docs",
}


def public_blueprint(
    page: BrowserPage, registry: ModelRegistry, generator: ImageGenerator, service: InferenceService
) -> Blueprint:
    """`/`, `/v1`, `/health`, `/v1/health` and `/health/ready`."""
    blueprint = Blueprint(
        "public", __name__, description="The service, its health, and whether it is ready."
    )

    @blueprint.get("/")
    @blueprint.response(
        HTTPStatus.OK,
        IndexSchema,
        description="The name, the version and the links.",
        headers=response_headers("Vary", *_PAGE_HEADERS),
    )
    @blueprint.alt_response(
        HTTPStatus.OK, schema={"type": "string"}, content_type="text/html", success=True
    )
    @blueprint.alt_response(
        HTTPStatus.NOT_MODIFIED,
        description="The page has not changed.",
        headers=response_headers("Vary", *_PAGE_HEADERS),
    )
    @blueprint.request_headers("If-None-Match")
    def index() -> Any:
        """Name, version and links; a browser gets the page instead."""
        accepted = request.accept_mimetypes.best_match(["application/json", "text/html"])
        if accepted == "text/html":
            return page()
        return _described(), {"Vary": "Accept"}

    @blueprint.get("/v1")
    @blueprint.response(
        HTTPStatus.OK, IndexSchema, description="The name, the version and the links."
    )
    def version_index() -> dict[str, object]:
        """Name, version and links."""
        return _described()

    @blueprint.get("/health", endpoint="health_unversioned")
    @blueprint.get("/v1/health")
    @blueprint.response(HTTPStatus.OK, HealthSchema, description="The process answers.")
    def health() -> dict[str, object]:
        """Whether the process answers, its device, and its number of models."""
        models = registry.models()
        return {
            "status": "healthy",
            "version": VERSION,
            "device": generator.device,
            "models": len(models),
            "loadable_models": sum(model.loadable for model in models),
        }

    @blueprint.get("/health/ready")
    @blueprint.response(
        HTTPStatus.OK,
        ReadySchema,
        description="The service is ready: a request would be drawn now.",
    )
    @blueprint.alt_response(
        HTTPStatus.SERVICE_UNAVAILABLE,
        schema=ProblemSchema,
        content_type="application/problem+json",
        description="`not_ready`: The service is not ready; `detail` says why.",
    )
    def ready() -> dict[str, object] | Response:
        """Whether a request would be drawn now."""
        readiness = service.readiness
        if readiness is not Readiness.READY:
            return problem_response(
                HTTPStatus.SERVICE_UNAVAILABLE, code="not_ready", detail=_reason(readiness)
            )
        is_followed = registry.settings_problem is None
        return {"status": readiness.value, "warnings": [] if is_followed else [_NOT_FOLLOWED]}

    return blueprint


def _reason(readiness: Readiness) -> str:
    """Return why the service is not ready.

    If a request would fail for the same reason, the sentence is that of its error. The remedy is
    for the operator.
    """
    error = _ERRORS.get(readiness)
    return readiness.value if error is None else PROBLEMS[type(error)].words.of(error)


def _described() -> dict[str, object]:
    return {"name": NAME, "version": VERSION, "links": _LINKS}
