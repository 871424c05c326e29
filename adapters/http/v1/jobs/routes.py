"""The routes of jobs: a client asks for pictures now and fetches them later."""

from http import HTTPStatus
from typing import Any

from flask import Response, request

from adapters.http.description.examples import EVENT, JOB, REQUEST
from adapters.http.description.headers import response_headers
from adapters.http.description.parameters import path_parameter
from adapters.http.edge.auth import current_principal, protect
from adapters.http.edge.bodies import Blueprint, PictureBlueprint
from adapters.http.edge.route_errors import FINDING, SUBMITTING
from adapters.http.generation.judged import Asked
from adapters.http.generation.requests import RequestMaker
from adapters.http.generation.schemas import GenerationRequestSchema
from adapters.http.v1.jobs.event_stream import EventStreams, JobEventSchema
from adapters.http.v1.jobs.image_response import describes_image, image_number, image_response
from adapters.http.v1.jobs.query_schemas import (
    THUMBNAIL,
    EndQuerySchema,
    EventsQuerySchema,
    ImageQuerySchema,
    JobQuerySchema,
)
from adapters.http.v1.jobs.schemas import (
    JobListSchema,
    JobSchema,
    checked_id,
    job_location,
)
from application.job import JobPage, JobView
from application.jobs.job_service import JobService
from application.thumbnails import Thumbnails, thumbnail_version
from domain.credentials import Scope
from domain.errors import (
    ImageNotFound,
    ImageNotReady,
    JobRunning,
    PicturesLost,
    ShuttingDown,
    StorageInUse,
    StorageUnavailable,
    TooManyCallers,
)
from domain.services.credential_checker import CredentialChecker

__all__ = ["jobs_blueprint"]

_JOB_ID = path_parameter("job_id", "The `id` of the request.", minLength=1)
_NUMBER = path_parameter("number", "The number of the picture; the first is 0.", pattern="^[0-9]+$")


def jobs_blueprint(
    make_request: RequestMaker,
    job_service: JobService,
    streams: EventStreams,
    thumbnails: Thumbnails,
    checker: CredentialChecker,
) -> Blueprint:
    """`/v1/jobs` and the routes below it. Each caller sees its own jobs alone."""
    blueprint = PictureBlueprint(
        "jobs",
        __name__,
        url_prefix="/v1",
        description="Ask for pictures now and fetch them later.",
    )
    protect(blueprint, checker, Scope.INFERENCE_RUN)

    def caller() -> str:
        return current_principal().name

    @blueprint.post("/jobs")
    @blueprint.raises(*SUBMITTING)
    @blueprint.arguments(GenerationRequestSchema, example=REQUEST)
    @blueprint.response(
        HTTPStatus.ACCEPTED,
        JobSchema,
        description="The job was accepted, now or earlier, and is not finished.",
        example=JOB,
        headers=response_headers("Location"),
    )
    @blueprint.alt_response(
        HTTPStatus.OK,
        schema=JobSchema,
        success=True,
        description="The same request was sent before, and its job is finished.",
        headers=response_headers("Location"),
    )
    def submit(asked: Asked) -> tuple[JobView, HTTPStatus, dict[str, str]]:
        """Ask for pictures and fetch them later."""
        wanted = make_request(asked.fields, caller=caller(), parts=asked.parts)
        view = job_service.submit(
            wanted.request,
            caller=caller(),
            model_name=wanted.model_name,
            other_names=wanted.other_names,
        ).view
        return view, _status(view), job_location(view)

    @blueprint.get("/jobs")
    @blueprint.arguments(JobQuerySchema, location="query")
    @blueprint.raises(StorageUnavailable)
    @blueprint.response(HTTPStatus.OK, JobListSchema, description="A page of jobs.")
    def list_jobs(query: dict[str, Any]) -> JobPage:
        """Your jobs, newest first."""
        return job_service.page(caller(), **{"status": None, "before": None, **query})

    @blueprint.get("/jobs/<job_id>", parameters=[_JOB_ID])
    @blueprint.raises(*FINDING)
    @blueprint.response(HTTPStatus.OK, JobSchema, description="The job as it is now.")
    def get_job(job_id: str) -> JobView:
        """One of your jobs."""
        return job_service.find(caller(), checked_id(job_id))

    @blueprint.delete("/jobs/<job_id>", parameters=[_JOB_ID])
    @blueprint.arguments(EndQuerySchema, location="query")
    @blueprint.raises(*FINDING, JobRunning, StorageInUse, ShuttingDown)
    @blueprint.response(
        HTTPStatus.OK,
        JobSchema,
        description="The job was cancelled and is not drawn, or it had finished already.",
    )
    @blueprint.alt_response(
        HTTPStatus.ACCEPTED,
        schema=JobSchema,
        success=True,
        description="The job stops before its next step.",
    )
    @blueprint.alt_response(
        HTTPStatus.NO_CONTENT, success=True, description="The job and its pictures are removed."
    )
    def end(query: dict[str, Any], job_id: str) -> Response | tuple[JobView, HTTPStatus]:
        """Cancel a job, or remove a finished one.

        A request that waits for the job gets 409 `cancelled`. A finished job stays as it is;
        with `forget=true` it is removed for good, with its pictures.
        """
        if query["forget"]:
            job_service.forget(caller(), checked_id(job_id))
            return Response(status=HTTPStatus.NO_CONTENT)
        view = job_service.cancel(caller(), checked_id(job_id))
        return view, _status(view)

    @blueprint.get("/jobs/<job_id>/images/<number>", parameters=[_JOB_ID, _NUMBER])
    @blueprint.request_headers("If-None-Match")
    @blueprint.arguments(ImageQuerySchema, location="query")
    @blueprint.raises(*FINDING, ImageNotFound, ImageNotReady, PicturesLost)
    @describes_image(blueprint)
    def get_image(query: dict[str, str], job_id: str, number: str) -> Response:
        """A finished picture as a file, or a small WebP of it."""
        wanted = image_number(number)
        if query.get("size") == THUMBNAIL:
            job, small = thumbnails.get(caller(), checked_id(job_id), wanted)
            lasting = query.get("v") == thumbnail_version(job)
            return image_response(small, name=f"{job_id}-{wanted}-small", lasting=lasting)
        data = job_service.image(caller(), checked_id(job_id), wanted)
        return image_response(data, name=f"{job_id}-{wanted}")

    @blueprint.get("/jobs/<job_id>/events", parameters=[_JOB_ID])
    @blueprint.arguments(EventsQuerySchema, location="query")
    @blueprint.request_headers("Last-Event-ID")
    @blueprint.raises(*FINDING, StorageInUse, ShuttingDown, TooManyCallers)
    @blueprint.response(
        HTTPStatus.OK,
        JobEventSchema,
        content_type="text/event-stream",
        description="Events, until the job has ended.",
        example=EVENT,
        headers=response_headers("Cache-Control", "X-Accel-Buffering"),
    )
    @blueprint.alt_response(
        HTTPStatus.NO_CONTENT,
        success=True,
        description="There are no more events: you have the last one.",
    )
    def get_events(query: dict[str, Any], job_id: str) -> Response:
        """The events of a job, as server-sent events. The schema is that of one event."""
        after = request.headers.get("Last-Event-ID") or None
        return streams.open(caller(), checked_id(job_id), after=after, previews=query["previews"])

    return blueprint


def _status(view: JobView) -> HTTPStatus:
    return HTTPStatus.OK if view.job.status.finished else HTTPStatus.ACCEPTED
