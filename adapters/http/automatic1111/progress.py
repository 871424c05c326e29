"""The routes that show the progress of the caller's pictures and stop them."""

import base64
import time
from http import HTTPStatus
from typing import Any

from flask import Response, jsonify
from marshmallow import EXCLUDE, Schema, fields

from adapters.http.automatic1111.errors import SdapiErrorSchema
from adapters.http.automatic1111.prefix import JOB_PREFIX, PREFIX
from adapters.http.description.answers import AnswerSchema
from adapters.http.edge.auth import current_principal, protect
from adapters.http.edge.bodies import Blueprint
from application.job import JobStatus, JobView
from application.jobs.job_service import JobService
from domain.credentials import Scope
from domain.errors import JobNotFound, ShuttingDown, StorageInUse, StorageUnavailable
from domain.services.credential_checker import CredentialChecker

__all__ = ["progress_blueprint"]


class _ProgressQuerySchema(Schema):
    class Meta:
        unknown = EXCLUDE

    skip_current_image = fields.Boolean(
        load_default=False,
        metadata={"description": "`true` leaves out `current_image`, which takes time to make."},
    )


def _never() -> fields.Constant[bool]:
    return fields.Constant(False, metadata={"const": False, "type": "boolean"})


class _SdapiStateSchema(AnswerSchema):
    """Your picture that is being drawn, or your next one."""

    skipped = _never()
    interrupted = _never()
    stopping_generation = _never()
    job = fields.String(
        metadata={"description": "The id of the picture's job; empty if there is none."}
    )
    job_count = fields.Integer(
        metadata={"description": "The number of your unfinished jobs of this API."}
    )
    job_timestamp = fields.String(
        metadata={"pattern": "^([0-9]{14}|0)$", "description": "When the job began, in UTC."}
    )
    job_no = fields.Constant(0, metadata={"const": 0, "type": "integer"})
    sampling_step = fields.Integer()
    sampling_steps = fields.Integer()


class _SdapiProgressSchema(AnswerSchema):
    """The progress of your pictures of this API."""

    progress = fields.Float(metadata={"minimum": 0, "maximum": 1})
    eta_relative = fields.Float(
        metadata={"description": "Seconds that are left; 0 if that is not known."}
    )
    state = fields.Nested(_SdapiStateSchema)
    current_image = fields.String(
        allow_none=True,
        metadata={"contentEncoding": "base64", "description": "The picture so far, as a JPEG."},
    )
    textinfo = fields.String(allow_none=True, metadata={"description": "The place in the queue."})
    current_task = fields.String(
        allow_none=True, metadata={"description": "The same as `state.job`."}
    )


def progress_blueprint(job_service: JobService, checker: CredentialChecker) -> Blueprint:
    """`/sdapi/v1/progress`, `interrupt` and `skip`, for the caller's own jobs of this API."""
    blueprint = Blueprint(
        "sdapi_progress",
        __name__,
        url_prefix=PREFIX,
        description="AUTOMATIC1111's API: progress.",
        error_schema=SdapiErrorSchema,
    )
    protect(blueprint, checker, Scope.INFERENCE_RUN, basic=True)

    @blueprint.get("/progress")
    @blueprint.arguments(_ProgressQuerySchema, location="query")
    @blueprint.response(HTTPStatus.OK, _SdapiProgressSchema)
    def progress(query: dict[str, Any]) -> dict[str, object]:
        """The progress of your pictures of this API; all zeros if there is nothing to wait for."""
        caller = current_principal().name
        jobs = _unfinished(job_service, caller)
        if not jobs:
            return _nothing()
        now = next(iter(_drawn(jobs)), jobs[0])
        image = None
        if not query["skip_current_image"]:
            image = job_service.preview(caller, now.job.request.id)
        return _answer(now, jobs=len(jobs), image=image)

    @blueprint.post("/interrupt")
    @blueprint.raises(JobNotFound, StorageUnavailable, StorageInUse, ShuttingDown)
    @blueprint.response(
        HTTPStatus.OK, {"type": "object"}, description="The picture stops before its next step."
    )
    def interrupt() -> Response:
        """Stop your picture of this API that is being drawn; if there is none, all that wait."""
        caller = current_principal().name
        jobs = _unfinished(job_service, caller)
        for view in _drawn(jobs) or jobs:
            job_service.cancel(caller, view.job.request.id)
        return jsonify({})

    @blueprint.post("/skip")
    @blueprint.raises(JobNotFound, StorageUnavailable, StorageInUse, ShuttingDown)
    @blueprint.response(
        HTTPStatus.OK, {"type": "null"}, description="The picture stops before its next step."
    )
    def skip() -> Response:
        """Stop your picture of this API that is being drawn. Pictures that wait stay."""
        caller = current_principal().name
        for view in _drawn(_unfinished(job_service, caller)):
            job_service.cancel(caller, view.job.request.id)
        return jsonify(None)

    return blueprint


def _unfinished(job_service: JobService, caller: str) -> list[JobView]:
    views = job_service.unfinished(caller)
    return [view for view in views if view.job.request.id.startswith(JOB_PREFIX)]


def _drawn(views: list[JobView]) -> list[JobView]:
    return [view for view in views if view.job.status is JobStatus.RUNNING]


def _nothing() -> dict[str, object]:
    """Return zeros, which tell clients that no picture is being drawn or waits."""
    state = {"job": "", "job_count": 0, "job_timestamp": "0"}
    return {
        "progress": 0.0,
        "eta_relative": 0.0,
        "state": state | {"sampling_step": 0, "sampling_steps": 0},
        "current_image": None,
        "textinfo": None,
        "current_task": None,
    }


def _answer(view: JobView, *, jobs: int, image: bytes | None) -> dict[str, object]:
    job, progress = view.job, view.progress or JobView.at_rest(view.job).progress
    assert progress is not None  # noqa: S101 - tells mypy that a job at rest has a progress
    began = time.gmtime(job.started_at or job.created_at)
    return {
        "progress": progress.step / progress.steps if progress.steps else 0.0,
        "eta_relative": progress.seconds_left or 0.0,
        "state": {
            "job": job.request.id,
            "job_count": jobs,
            "job_timestamp": time.strftime("%Y%m%d%H%M%S", began),
            "sampling_step": progress.step,
            "sampling_steps": progress.steps,
        },
        "current_image": base64.b64encode(image).decode("ascii") if image else None,
        "textinfo": f"number {view.position} in the queue" if view.position else None,
        "current_task": job.request.id,
    }
