"""Pictures."""

from http import HTTPStatus
from typing import Any

from flask import Response, jsonify, request

from adapters.http.auth import current_principal, protect
from adapters.http.job_schemas import JobSchema, job_location
from adapters.http.parsing import Blueprint
from adapters.http.prefer import Preference, parse_prefer
from adapters.http.schemas import (
    GenerationRequestSchema,
    GenerationResultSchema,
    generation_request,
)
from adapters.http.waiting import WaitingCallers
from application.jobs import JobView
from application.settings import Settings
from domain.credentials import Scope
from domain.generation import GenerationResult
from domain.services.credential_checker import CredentialChecker

__all__ = ["inference_blueprint"]

_Answer = tuple[GenerationResult | Response, HTTPStatus, dict[str, str]]


def inference_blueprint(
    settings: Settings, draw: WaitingCallers, checker: CredentialChecker
) -> Blueprint:
    """`/v1/infer`, and `/infer`, which is the same."""
    blueprint = Blueprint("inference", __name__, description="Draws pictures.")
    protect(blueprint, checker, Scope.INFERENCE_RUN)

    @blueprint.post("/infer")
    @blueprint.post("/v1/infer")
    @blueprint.arguments(GenerationRequestSchema)
    @blueprint.response(HTTPStatus.OK, GenerationResultSchema)
    @blueprint.alt_response(HTTPStatus.ACCEPTED, schema=JobSchema, success=True)
    def infer(fields: dict[str, Any]) -> _Answer:
        preference = parse_prefer(request.headers.getlist("Prefer"))
        wanted = generation_request(fields, settings)
        outcome = draw(wanted, caller=current_principal().name, preference=preference)
        return _answer(outcome, preference)

    return blueprint


def _answer(outcome: GenerationResult | JobView, preference: Preference) -> _Answer:
    """The pictures, or the job for who does not wait for them."""
    if isinstance(outcome, GenerationResult):
        return outcome, HTTPStatus.OK, preference.applied(asynchronously=False)
    headers = job_location(outcome) | preference.applied(asynchronously=True)
    return jsonify(JobSchema().dump(outcome)), HTTPStatus.ACCEPTED, headers
