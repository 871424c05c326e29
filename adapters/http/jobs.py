"""Jobs: pictures that are asked for now and fetched later."""

from http import HTTPStatus
from typing import Any

from flask import Response, request

from adapters.http.auth import current_principal, protect
from adapters.http.event_stream import EventStreams
from adapters.http.image_response import image_number, image_response
from adapters.http.job_schemas import (
    JobListSchema,
    JobQuerySchema,
    JobSchema,
    checked_id,
    job_location,
)
from adapters.http.parsing import Blueprint
from adapters.http.schemas import GenerationRequestSchema, generation_request
from application.jobs import JobPage, JobView
from application.scheduler import JobScheduler
from application.settings import Settings
from domain.credentials import Scope
from domain.services.credential_checker import CredentialChecker

__all__ = ["jobs_blueprint"]


def jobs_blueprint(
    settings: Settings, scheduler: JobScheduler, streams: EventStreams, checker: CredentialChecker
) -> Blueprint:
    """`/v1/jobs` and what is under it. Each caller sees its own jobs alone."""
    blueprint = Blueprint("jobs", __name__, url_prefix="/v1", description="Pictures for later.")
    protect(blueprint, checker, Scope.INFERENCE_RUN)

    def caller() -> str:
        return current_principal().name

    @blueprint.post("/jobs")
    @blueprint.arguments(GenerationRequestSchema)
    @blueprint.response(HTTPStatus.ACCEPTED, JobSchema)
    @blueprint.alt_response(HTTPStatus.OK, schema=JobSchema, success=True)
    def submit(fields: dict[str, Any]) -> tuple[JobView, HTTPStatus, dict[str, str]]:
        view = scheduler.submit(generation_request(fields, settings), caller=caller()).view
        return view, _status(view), job_location(view)

    @blueprint.get("/jobs")
    @blueprint.arguments(JobQuerySchema, location="query")
    @blueprint.response(HTTPStatus.OK, JobListSchema)
    def list_jobs(query: dict[str, Any]) -> JobPage:
        return scheduler.page(caller(), **{"status": None, "before": None, **query})

    @blueprint.get("/jobs/<job_id>")
    @blueprint.response(HTTPStatus.OK, JobSchema)
    def get_job(job_id: str) -> JobView:
        return scheduler.find(caller(), checked_id(job_id))

    @blueprint.delete("/jobs/<job_id>")
    @blueprint.response(HTTPStatus.OK, JobSchema)
    @blueprint.alt_response(HTTPStatus.ACCEPTED, schema=JobSchema, success=True)
    def cancel(job_id: str) -> tuple[JobView, HTTPStatus]:
        view = scheduler.cancel(caller(), checked_id(job_id))
        return view, _status(view)

    @blueprint.get("/jobs/<job_id>/images/<number>")
    @blueprint.response(HTTPStatus.OK, content_type="image/png")
    def get_image(job_id: str, number: str) -> Response:
        wanted = image_number(number)
        data = scheduler.image(caller(), checked_id(job_id), wanted)
        return image_response(data, name=f"{job_id}-{wanted}")

    @blueprint.get("/jobs/<job_id>/events")
    @blueprint.response(HTTPStatus.OK, content_type="text/event-stream")
    def get_events(job_id: str) -> Response:
        after = request.headers.get("Last-Event-ID") or None
        return streams.open(caller(), checked_id(job_id), after=after)

    return blueprint


def _status(view: JobView) -> HTTPStatus:
    return HTTPStatus.OK if view.job.status.finished else HTTPStatus.ACCEPTED
