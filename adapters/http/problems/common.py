"""The error rows that all APIs of this service share. No sentence here names a route of one API.

A sentence names a setting if the operator has to change it.
"""

from http import HTTPStatus

from adapters.http.problems.rows import ErrorTable, row
from domain import errors
from domain.errors import StorageFault

__all__ = ["COMMON", "SEND_AGAIN", "queue_sentence"]

SEND_AGAIN = "send the request again in a moment"

_STORAGE = {
    StorageFault.PASSING: "try again in a moment",
    StorageFault.NEWER: "run the release that wrote it; or set a new DATA_DIR, with a new "
    "DATABASE_URL if that is set: with a new database alone the pictures are lost",
    StorageFault.FOLDER: "see DATA_DIR",
    StorageFault.LINK_KEY: "the key is a file in DATA_DIR. If it is damaged, remove it: the "
    "service makes a new one, and links that it gave before end. Pictures in the answer itself "
    "need no key",
}


def _precision(error: errors.GenerationFailed) -> str:
    if not error.overflowed or error.overflowed.endswith("float32"):
        return ""
    return "DTYPE=float32 helps when the model is sound"


def _device(error: errors.DeviceUnavailable) -> str:
    return "DEVICE=auto takes the best" if error.available else ""


def _settings(error: errors.DeviceUnavailable) -> str:
    return error.named(str.upper)


def _image(error: errors.ImageNotFound) -> str:
    if isinstance(error.number, str):
        return "send 0 for the first one"
    if not error.job_id:
        return "ask for the picture again"
    return "send its request again" if error.status else ""


def queue_sentence(error: errors.QueueFull) -> str:
    """Return the sentence for a caller whose job finds no room in the queue."""
    if not error.of_caller:
        return str(error)
    return f"{error.waiting} of your jobs are already waiting, which is the limit for one caller"


COMMON: ErrorTable = {
    errors.InvalidRequest: row(HTTPStatus.UNPROCESSABLE_ENTITY),
    errors.AddonMismatch: row(HTTPStatus.UNPROCESSABLE_ENTITY),
    errors.ScopeMissing: row(
        HTTPStatus.FORBIDDEN, says=lambda error: f"this credential lacks the scope {error.scope}"
    ),
    errors.TokenMintingForbidden: row(HTTPStatus.FORBIDDEN, "send an API key"),
    errors.LinkNotValid: row(HTTPStatus.FORBIDDEN, "ask for the picture again"),
    errors.TokensUnavailable: row(
        HTTPStatus.NOT_IMPLEMENTED,
        "set it, or send an API key",
        says=lambda _: "there are no tokens, because SECRET_KEY is not set",
    ),
    errors.ModelNotLoadable: row(HTTPStatus.UNPROCESSABLE_ENTITY),
    errors.GenerationFailed: row(HTTPStatus.INTERNAL_SERVER_ERROR, _precision),
    errors.DeviceLost: row(
        HTTPStatus.INTERNAL_SERVER_ERROR, "send the request again when the service is ready"
    ),
    errors.DeviceUnavailable: row(HTTPStatus.SERVICE_UNAVAILABLE, _device, says=_settings),
    errors.ImageNotFound: row(HTTPStatus.NOT_FOUND, _image),
    errors.JobRunning: row(HTTPStatus.CONFLICT, "cancel it first, or wait until it has ended"),
    errors.JobNotReadable: row(
        HTTPStatus.UNPROCESSABLE_ENTITY, "send a new request, or run that release"
    ),
    errors.PicturesLost: row(HTTPStatus.GONE, "send the same request again to have it drawn again"),
    errors.JobCancelled: row(HTTPStatus.CONFLICT, "send it again to have it drawn"),
    errors.UnreadablePicture: row(HTTPStatus.UNPROCESSABLE_ENTITY, "send a PNG, JPEG or WebP file"),
    errors.PictureFileTooLarge: row(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "send a smaller one",
        says=lambda error: f"the picture file has more than MAX_PICTURE_BYTES={error.limit} bytes",
    ),
    errors.PictureNotFound: row(
        HTTPStatus.NOT_FOUND,
        "send its file again",
        says=lambda error: f"you have no picture {error.picture_id[:80]!a}",
    ),
    errors.StorageUnavailable: row(
        HTTPStatus.SERVICE_UNAVAILABLE, lambda error: _STORAGE[StorageFault(error.fault)]
    ),
    errors.StorageInUse: row(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "stop that one, or start this one with another DATA_DIR",
        says=lambda _: "another service uses the same DATA_DIR",
    ),
    errors.QueueFull: row(
        HTTPStatus.SERVICE_UNAVAILABLE,
        lambda error: f"try again in {error.retry_after} s",
        says=queue_sentence,
    ),
    errors.ShuttingDown: row(HTTPStatus.SERVICE_UNAVAILABLE, SEND_AGAIN),
}
"""The status, the sentence and the remedy of each class of errors."""
