"""Pictures."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from flask import Request, Response, jsonify, request
from marshmallow import Schema
from werkzeug.exceptions import NotAcceptable

from adapters.http.description.examples import JOB, REQUEST, RESULT
from adapters.http.description.headers import response_headers
from adapters.http.edge.auth import current_principal, protect
from adapters.http.edge.bodies import Blueprint, JsonParser, PictureBlueprint
from adapters.http.edge.body_budget import give_back_body
from adapters.http.edge.negotiation import FileChoice, file_choice
from adapters.http.edge.prefer import Preference, parse_prefer
from adapters.http.edge.route_errors import DRAWING, SUBMITTING
from adapters.http.generation.judged import Asked
from adapters.http.generation.requests import RequestMaker
from adapters.http.generation.schemas import GenerationRequestSchema, GenerationResultSchema
from adapters.http.generation.waiting import WaitingCallers
from adapters.http.v1.jobs.picture_answer import describes_picture, picture_answer
from adapters.http.v1.jobs.schemas import JobSchema, job_location
from application.job import JobView
from domain.credentials import Scope
from domain.errors import DeadlineUnmet
from domain.generation.any_request import AnyResult
from domain.services.credential_checker import CredentialChecker

__all__ = ["inference_blueprint"]


class _NegotiatingParser(JsonParser):
    """If the answer is a file, sets the request's output format to the one that `Accept` names."""

    def load_json(self, req: Request, schema: Schema) -> Any:
        body = super().load_json(req, schema)
        choice = file_choice(req.accept_mimetypes, body.get("output_format"), _number(body))
        if choice.output_format is None or "output_format" in body:
            return body
        return {**body, "output_format": choice.output_format.value}


class _NegotiatingBlueprint(PictureBlueprint):
    PARSER = _NegotiatingParser


_Answer = tuple[AnyResult | Response, HTTPStatus, dict[str, str]]


def inference_blueprint(
    make_request: RequestMaker, draw: WaitingCallers, checker: CredentialChecker
) -> Blueprint:
    """`/v1/infer`, and `/infer`, which does the same."""
    blueprint = _NegotiatingBlueprint(
        "inference",
        __name__,
        description="Draw pictures and wait for them.",
    )
    protect(blueprint, checker, Scope.INFERENCE_RUN)

    @blueprint.post("/infer", endpoint="infer_unversioned")
    @blueprint.post("/v1/infer")
    @blueprint.request_headers("Prefer")
    @blueprint.raises(*SUBMITTING, *DRAWING, DeadlineUnmet, NotAcceptable)
    @blueprint.arguments(GenerationRequestSchema, example=REQUEST)
    @blueprint.response(
        HTTPStatus.OK,
        GenerationResultSchema,
        description="The pictures.",
        example=RESULT,
        headers=response_headers("Preference-Applied", "Vary"),
    )
    @describes_picture(blueprint)
    @blueprint.alt_response(
        HTTPStatus.ACCEPTED,
        schema=JobSchema,
        success=True,
        description="The job, if `Prefer` says not to wait, or to wait no longer.",
        example=JOB,
        headers=response_headers("Location", "Preference-Applied"),
    )
    def infer(asked: Asked) -> _Answer:
        """Draw pictures and wait for them.

        The `id` names the job of this request. The same request with the same `id` joins that job
        or gets its result. `Prefer` limits the wait; after that time, the answer is the job.
        With one picture and an `Accept` that prefers `image/png`, `image/jpeg` or `image/webp`, the
        answer is the file.
        """
        choice = file_choice(
            request.accept_mimetypes, asked.fields.get("output_format"), _number(asked.fields)
        )
        if choice.problem is not None:
            raise NotAcceptable(choice.problem)
        preference = parse_prefer(request.headers.getlist("Prefer"))
        caller = current_principal().name
        wanted = make_request(asked.fields, caller=caller, parts=asked.parts)
        asked.parts.drop_files()  # they are stored, and the wait may be long
        give_back_body()
        outcome = draw(wanted, caller=caller, preference=preference)
        return _answer(outcome, preference, choice)

    return blueprint


def _number(fields: Mapping[str, Any]) -> object:
    return fields.get("num_images", 1)


def _answer(outcome: AnyResult | JobView, preference: Preference, choice: FileChoice) -> _Answer:
    """Return the pictures, as a file or as JSON, or the job if the client does not wait."""
    if not isinstance(outcome, JobView):
        headers = preference.applied(asynchronously=False) | {"Vary": "Accept"}
        if choice.output_format is not None:
            return picture_answer(outcome), HTTPStatus.OK, headers
        return outcome, HTTPStatus.OK, headers
    headers = job_location(outcome) | preference.applied(asynchronously=True)
    return jsonify(JobSchema().dump(outcome)), HTTPStatus.ACCEPTED, headers
