"""The statuses and the words of this service's own API, version 1."""

from http import HTTPStatus

from adapters.http.problems.common import COMMON, SEND_AGAIN
from adapters.http.problems.rows import ErrorTable, row
from domain import errors
from domain.errors import Activity

__all__ = ["PROBLEMS"]


def _credential(error: errors.Unauthenticated) -> str:
    if error.credential_sent:
        return "send a current API key or token"
    return "send 'Authorization: Bearer <API key or token>'"


def _model(error: errors.ModelNotFound) -> str:
    return "send the id of one" if error.bearers else "GET /v1/models lists the models"


def _memory(error: errors.OutOfMemory) -> str:
    if error.tiling_helps:
        return "VAE_TILING=auto decodes it tile by tile, or ask for a smaller picture"
    if error.is_of_the_model:
        return "choose a smaller model"
    return "ask for a smaller width and height or fewer images"


def _conflict(error: errors.IdConflict) -> str:
    fields = ", ".join(error.differing)
    which = f", with another {fields}" if fields else ""
    return f"the id {error.job_id!a} belongs to another request of yours{which}"


def _new_id(error: errors.IdConflict) -> str:
    remedy = "send a new id, or the same request again to get its result"
    if "output_format" not in error.differing:
        return remedy
    return (
        f"{remedy}. That one has the output_format {error.output_format!a}; where a body names "
        "none, Accept may choose it"
    )


def _places(error: errors.TooManyCallers) -> str:
    again = f"try again in {error.retry_after} s"
    if error.activity == Activity.WAITING:
        return f"send 'Prefer: respond-async', or POST /v1/jobs, not to wait; {again}"
    return again


def _deadline(error: errors.DeadlineUnmet) -> str:
    return (
        f"the pictures would take about {error.predicted:.1f} s, more than the {error.within:g} s "
        "that Prefer allows"
    )


PROBLEMS: ErrorTable = {
    **COMMON,
    errors.Unauthenticated: row(HTTPStatus.UNAUTHORIZED, _credential),
    errors.ModelNotFound: row(HTTPStatus.NOT_FOUND, _model),
    errors.NoModel: row(
        HTTPStatus.NOT_FOUND,
        "put a checkpoint into one of the folders that MODEL_DIRS names, or let `ai-inference "
        "demo` put a small one there. GET /v1/models says why each file cannot draw",
    ),
    errors.ModelChanged: row(HTTPStatus.UNPROCESSABLE_ENTITY, "GET /v1/models has its new id"),
    errors.OutOfMemory: row(HTTPStatus.INSUFFICIENT_STORAGE, _memory),
    errors.JobNotFound: row(
        HTTPStatus.NOT_FOUND,
        "GET /v1/jobs lists your jobs",
        says=lambda error: f"you have no job {error.job_id!a}",
    ),
    errors.PictureNotFound: row(
        HTTPStatus.NOT_FOUND,
        "send its file with POST /v1/images",
        says=lambda error: f"you have no picture {error.picture_id[:80]!a}",
    ),
    errors.ImageNotReady: row(
        HTTPStatus.NOT_FOUND,
        "wait until it has succeeded; GET /v1/jobs/{id} and its events say when",
    ),
    errors.IdConflict: row(HTTPStatus.CONFLICT, _new_id, says=_conflict),
    errors.DeadlineUnmet: row(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "allow more time, or leave out handling=strict",
        says=_deadline,
    ),
    errors.TooManyCallers: row(HTTPStatus.SERVICE_UNAVAILABLE, _places),
    errors.ModelsNotRead: row(
        HTTPStatus.SERVICE_UNAVAILABLE,
        f"{SEND_AGAIN}. GET /v1/models lists the models and the files that are being read",
    ),
}
"""The status, the sentence and the remedy of each class of errors."""
