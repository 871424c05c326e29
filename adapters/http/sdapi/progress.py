"""How far the caller's pictures are, and an end to them."""

import base64
import time
from http import HTTPStatus
from typing import Any

from flask import Response, jsonify
from marshmallow import EXCLUDE, Schema, fields

from adapters.http.auth import current_principal, protect
from adapters.http.parsing import Blueprint
from adapters.http.sdapi.door import JOB_PREFIX, PREFIX
from application.jobs import JobStatus, JobView
from application.scheduler import JobScheduler
from domain.credentials import Scope
from domain.services.credential_checker import CredentialChecker

__all__ = ["progress_blueprint"]


class _ProgressQuerySchema(Schema):
    class Meta:
        unknown = EXCLUDE

    skip_current_image = fields.Boolean(load_default=False)


class _StateSchema(Schema):
    skipped = fields.Constant(False)
    interrupted = fields.Constant(False)
    stopping_generation = fields.Constant(False)
    job = fields.String()
    job_count = fields.Integer()
    job_timestamp = fields.String()
    job_no = fields.Constant(0)
    sampling_step = fields.Integer()
    sampling_steps = fields.Integer()


class _ProgressSchema(Schema):
    progress = fields.Float()
    eta_relative = fields.Float()
    state = fields.Nested(_StateSchema)
    current_image = fields.String(allow_none=True)
    textinfo = fields.String(allow_none=True)
    current_task = fields.String(allow_none=True)


def progress_blueprint(scheduler: JobScheduler, checker: CredentialChecker) -> Blueprint:
    """`/sdapi/v1/progress` and `/sdapi/v1/interrupt`, for the caller's own jobs of this door."""
    blueprint = Blueprint(
        "sdapi_progress", __name__, url_prefix=PREFIX, description="AUTOMATIC1111's API: progress."
    )
    protect(blueprint, checker, Scope.INFERENCE_RUN, basic=True)

    @blueprint.get("/progress")
    @blueprint.arguments(_ProgressQuerySchema, location="query")
    @blueprint.response(HTTPStatus.OK, _ProgressSchema)
    def progress(query: dict[str, Any]) -> dict[str, object]:
        caller = current_principal().name
        jobs = _unfinished(scheduler, caller)
        if not jobs:
            return _nothing()
        now = next(iter(_drawn(jobs)), jobs[0])
        image = None
        if not query["skip_current_image"]:
            image = scheduler.glances.preview(caller, now.job.request.id)
        return _answer(now, jobs=len(jobs), image=image)

    @blueprint.post("/interrupt")
    @blueprint.response(HTTPStatus.OK)
    def interrupt() -> Response:
        caller = current_principal().name
        jobs = _unfinished(scheduler, caller)
        for view in _drawn(jobs) or jobs:
            scheduler.cancel(caller, view.job.request.id)
        return jsonify({})

    return blueprint


def _unfinished(scheduler: JobScheduler, caller: str) -> list[JobView]:
    views = scheduler.glances.unfinished(caller)
    return [view for view in views if view.job.request.id.startswith(JOB_PREFIX)]


def _drawn(views: list[JobView]) -> list[JobView]:
    return [view for view in views if view.job.status is JobStatus.RUNNING]


def _nothing() -> dict[str, object]:
    """All zeros, by which its clients tell that there is nothing to wait for."""
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
    assert progress is not None  # noqa: S101 - tells mypy that a job at rest has some
    began = time.gmtime(job.started_at or job.created_at)
    return {
        "progress": progress.step / progress.steps,
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
