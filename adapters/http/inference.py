"""Pictures."""

from http import HTTPStatus
from typing import Any

from adapters.http.auth import current_principal, protect
from adapters.http.parsing import Blueprint
from adapters.http.schemas import GenerationRequestSchema, GenerationResultSchema
from application.scheduler import JobScheduler
from application.settings import Settings
from domain.credentials import Scope
from domain.generation import GenerationRequest, GenerationResult
from domain.services.credential_checker import CredentialChecker

__all__ = ["inference_blueprint"]


def inference_blueprint(
    settings: Settings, scheduler: JobScheduler, checker: CredentialChecker
) -> Blueprint:
    """`/v1/infer`, and `/infer`, which is the same."""
    blueprint = Blueprint("inference", __name__, description="Draws pictures.")
    protect(blueprint, checker, Scope.INFERENCE_RUN)
    defaults = {
        "num_inference_steps": settings.default_inference_steps,
        "guidance_scale": settings.default_guidance_scale,
    }

    @blueprint.post("/infer")
    @blueprint.post("/v1/infer")
    @blueprint.arguments(GenerationRequestSchema)
    @blueprint.response(HTTPStatus.OK, GenerationResultSchema)
    def infer(fields: dict[str, Any]) -> GenerationResult:
        request = GenerationRequest(**{**defaults, **fields})
        return scheduler.submit(request, caller=current_principal().name).result()

    return blueprint
