"""Pictures."""

from http import HTTPStatus

from werkzeug.exceptions import NotAcceptable

from adapters.http.description.examples import JOB, REQUEST, RESULT
from adapters.http.description.headers import response_headers
from adapters.http.edge.auth import current_principal, protect
from adapters.http.edge.bodies import Blueprint
from adapters.http.edge.body_budget import give_back_body
from adapters.http.edge.route_errors import DRAWING, SUBMITTING
from adapters.http.generation.judged import Asked
from adapters.http.generation.requests import RequestMaker
from adapters.http.generation.schemas import GenerationRequestSchema, GenerationResultSchema
from adapters.http.generation.waiting import WaitingCallers
from adapters.http.v1.drawing.answers import DrawingAnswer, DrawingBlueprint, wanted_answer
from adapters.http.v1.jobs.picture_answer import describes_picture
from adapters.http.v1.jobs.schemas import JobSchema
from domain.credentials import Scope
from domain.errors import DeadlineUnmet
from domain.services.credential_checker import CredentialChecker

__all__ = ["inference_blueprint"]


def inference_blueprint(
    make_request: RequestMaker, draw: WaitingCallers, checker: CredentialChecker
) -> Blueprint:
    """`/v1/infer`, and `/infer`, which does the same."""
    blueprint = DrawingBlueprint(
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
    def infer(asked: Asked) -> DrawingAnswer:
        """Draw pictures and wait for them.

        The `id` names the job of this request. The same request with the same `id` joins that job
        or gets its result. `Prefer` limits the wait; after that time, the answer is the job.
        With one picture and an `Accept` that prefers `image/png`, `image/jpeg` or `image/webp`, the
        answer is the file.
        """
        answer = wanted_answer(asked.fields)
        caller = current_principal().name
        wanted = make_request(asked.fields, caller=caller, parts=asked.parts, within=answer.within)
        asked.parts.drop_files()  # they are stored, and the wait may be long
        give_back_body()
        return answer.to(wanted, draw)

    return blueprint
