"""What anybody may see: what this is, and whether it runs."""

from http import HTTPStatus
from typing import Any

from flask import Response, request

from adapters.http.page import BrowserPage
from adapters.http.parsing import Blueprint
from adapters.http.problems import problem
from adapters.http.schemas import HealthSchema, IndexSchema, ReadySchema
from application.service import InferenceService, Readiness
from application.version import NAME, VERSION
from domain.ports.image_generator import ImageGenerator
from domain.services.model_registry import ModelRegistry

__all__ = ["public_blueprint"]

_LINKS = {
    "health": "/v1/health",
    "ready": "/health/ready",
    "models": "/v1/models",
    "infer": "/v1/infer",
    "jobs": "/v1/jobs",
    "system": "/v1/system",
    "tokens": "/v1/tokens",
}


def public_blueprint(
    page: BrowserPage, registry: ModelRegistry, generator: ImageGenerator, service: InferenceService
) -> Blueprint:
    """`/`, `/v1`, `/health`, `/v1/health` and `/health/ready`."""
    blueprint = Blueprint("public", __name__, description="What this is, and whether it runs.")

    @blueprint.get("/")
    @blueprint.response(HTTPStatus.OK, IndexSchema)
    def index() -> Any:
        accepted = request.accept_mimetypes.best_match(["application/json", "text/html"])
        if accepted == "text/html":
            return page()
        return _described(), {"Vary": "Accept"}

    @blueprint.get("/v1")
    @blueprint.response(HTTPStatus.OK, IndexSchema)
    def version_index() -> dict[str, object]:
        return _described()

    @blueprint.get("/health")
    @blueprint.get("/v1/health")
    @blueprint.response(HTTPStatus.OK, HealthSchema)
    def health() -> dict[str, object]:
        return {
            "status": "healthy",
            "version": VERSION,
            "device": generator.device,
            "models": len(registry.models()),
        }

    @blueprint.get("/health/ready")
    @blueprint.response(HTTPStatus.OK, ReadySchema)
    def ready() -> dict[str, object] | Response:
        readiness = service.readiness
        if readiness is not Readiness.READY:
            return problem(HTTPStatus.SERVICE_UNAVAILABLE, code="not_ready", detail=readiness.value)
        return {"status": readiness.value}

    return blueprint


def _described() -> dict[str, object]:
    return {"name": NAME, "version": VERSION, "links": _LINKS}
