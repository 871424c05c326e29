"""Pictures."""

from http import HTTPStatus
from typing import Any

from flask import Response, jsonify, request

from adapters.http.auth import current_principal, protect
from adapters.http.job_schemas import JobSchema, job_location
from adapters.http.openapi.examples import JOB, REQUEST, RESULT
from adapters.http.openapi.headers import response_headers
from adapters.http.parsing import Blueprint
from adapters.http.prefer import Preference, parse_prefer
from adapters.http.requests import RequestMaker
from adapters.http.route_errors import DRAWING, SUBMITTING
from adapters.http.schemas import GenerationRequestSchema, GenerationResultSchema
from adapters.http.waiting import WaitingCallers
from application.jobs import JobView
from domain.credentials import Scope
from domain.errors import DeadlineUnmet
from domain.generation import GenerationResult
from domain.services.credential_checker import CredentialChecker

__all__ = ["inference_blueprint"]

_Answer = tuple[GenerationResult | Response, HTTPStatus, dict[str, str]]


def inference_blueprint(
    make_request: RequestMaker, draw: WaitingCallers, checker: CredentialChecker
) -> Blueprint:
    """`/v1/infer`, and `/infer`, which is the same."""
    blueprint = Blueprint("inference", __name__, description="Draws pictures.")
    protect(blueprint, checker, Scope.INFERENCE_RUN)

    @blueprint.post("/infer", endpoint="infer_unversioned")
    @blueprint.post("/v1/infer")
    @blueprint.request_headers("Prefer")
    @blueprint.raises(*SUBMITTING, *DRAWING, DeadlineUnmet)
    @blueprint.arguments(GenerationRequestSchema, example=REQUEST)
    @blueprint.response(
        HTTPStatus.OK,
        GenerationResultSchema,
        description="The pictures.",
        example=RESULT,
        headers=response_headers("Preference-Applied"),
    )
    @blueprint.alt_response(
        HTTPStatus.ACCEPTED,
        schema=JobSchema,
        success=True,
        description="The job, for who does not wait, or no longer.",
        example=JOB,
        headers=response_headers("Location", "Preference-Applied"),
    )
    def infer(fields: dict[str, Any]) -> _Answer:
        """Draw pictures and wait for them.

        The request is a job named by its `id`: the same request again joins it, or has its result.
        `Prefer` says how long to wait before the job is answered instead.
        """
        preference = parse_prefer(request.headers.getlist("Prefer"))
        caller = current_principal().name
        wanted = make_request(fields, caller=caller)
        outcome = draw(wanted, caller=caller, preference=preference)
        return _answer(outcome, preference)

    return blueprint


def _answer(outcome: GenerationResult | JobView, preference: Preference) -> _Answer:
    """The pictures, or the job for who does not wait for them."""
    if isinstance(outcome, GenerationResult):
        return outcome, HTTPStatus.OK, preference.applied(asynchronously=False)
    headers = job_location(outcome) | preference.applied(asynchronously=True)
    return jsonify(JobSchema().dump(outcome)), HTTPStatus.ACCEPTED, headers
