"""Pictures that are enlarged."""

from http import HTTPStatus

from werkzeug.exceptions import NotAcceptable

from adapters.http.description.examples import JOB, UPSCALE, UPSCALED
from adapters.http.description.headers import response_headers
from adapters.http.edge.auth import current_principal, protect
from adapters.http.edge.bodies import Blueprint
from adapters.http.edge.body_budget import give_back_body
from adapters.http.edge.route_errors import DRAWING, SUBMITTING
from adapters.http.generation.requests import RequestMaker
from adapters.http.generation.waiting import WaitingCallers
from adapters.http.v1.drawing.answers import DrawingAnswer, DrawingBlueprint, wanted_answer
from adapters.http.v1.drawing.upscale_schemas import (
    AskedUpscale,
    UpscaleRequestSchema,
    UpscaleResultSchema,
)
from adapters.http.v1.jobs.picture_answer import describes_picture
from adapters.http.v1.jobs.schemas import JobSchema
from domain.credentials import Scope
from domain.errors import DeadlineUnmet
from domain.services.credential_checker import CredentialChecker

__all__ = ["upscaling_blueprint"]


def upscaling_blueprint(
    make_request: RequestMaker, draw: WaitingCallers, checker: CredentialChecker
) -> Blueprint:
    """`/v1/upscale`."""
    blueprint = DrawingBlueprint(
        "upscaling", __name__, url_prefix="/v1", description="Enlarge pictures.", pictures=1
    )
    protect(blueprint, checker, Scope.INFERENCE_RUN)

    @blueprint.post("/upscale")
    @blueprint.request_headers("Prefer")
    @blueprint.raises(*SUBMITTING, *DRAWING, DeadlineUnmet, NotAcceptable)
    @blueprint.arguments(UpscaleRequestSchema, example=UPSCALE)
    @blueprint.response(
        HTTPStatus.OK,
        UpscaleResultSchema,
        description="The enlarged picture.",
        example=UPSCALED,
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
    def upscale(asked: AskedUpscale) -> DrawingAnswer:
        """Enlarge a picture and wait for it.

        The request is a job, as one of `/v1/infer` is. Upscalers work tile by tile, and a step of
        the job's progress is a tile. The result has at most 64 megapixels.
        """
        answer = wanted_answer(asked.values)
        wanted = make_request.upscale(
            asked.values,
            caller=current_principal().name,
            problems=asked.problems,
            within=answer.within,
        )
        asked.drop_files()  # they are stored, and the wait may be long
        give_back_body()
        return answer.to(wanted, draw)

    return blueprint
