"""What can go wrong, in the terms of the business.

    DomainError
    ├── InvalidRequest           one or more fields of a request are wrong
    ├── Unauthenticated          no credential, or one that is not good
    ├── Forbidden                a good credential without the right
    │   ├── TokenMintingForbidden    a token cannot make another
    │   └── LinkNotValid             a link to a picture that was not made here, or has expired
    ├── TokensUnavailable        no SECRET_KEY, so no tokens
    ├── ModelNotFound            no model has that id or name, or several have
    │   └── NoModel                  there is no model to draw with at all
    ├── ModelNotLoadable         the file is there and cannot draw
    │   └── ModelChanged             the file is no longer the one that its id names
    ├── OutOfMemory              the picture does not fit the device
    ├── GenerationFailed         the device or the model failed while drawing
    │   └── DeviceLost               nothing can be drawn by this process any more
    ├── DeviceUnavailable        the device that was asked for is not there
    ├── JobNotFound              the caller has no job of that id
    ├── ImageNotFound            the job has no such image
    │   └── ImageNotReady            the job is not drawn yet
    ├── PicturesLost             the job was drawn, and its pictures are no longer there
    ├── IdConflict               the id belongs to another request
    ├── JobRunning               the job has not ended, so it cannot be forgotten
    ├── JobNotReadable           another release stored the job, and this one cannot draw it
    ├── JobCancelled             the job was cancelled while somebody waited for it
    ├── UnreadablePicture        a picture that was sent cannot be read
    ├── StorageUnavailable       jobs or pictures cannot be stored or read now
    │   └── StorageInUse             another process draws the jobs of this DATA_DIR
    ├── Refused                  not now; says when to try again
    │   ├── QueueFull                too many jobs wait
    │   ├── DeadlineUnmet            it would not be done in time
    │   ├── TooManyCallers           too many callers wait for pictures or listen
    │   ├── ModelsNotRead            the model may be there: not all files are read yet
    │   └── ShuttingDown             the service takes no new work

Each class has a stable `code`: clients and dashboards match on it, so it never changes.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = [
    "DeadlineUnmet",
    "DeviceLost",
    "DeviceUnavailable",
    "DomainError",
    "FieldProblem",
    "Forbidden",
    "GenerationFailed",
    "IdConflict",
    "ImageNotFound",
    "ImageNotReady",
    "InvalidRequest",
    "JobCancelled",
    "JobNotFound",
    "JobNotReadable",
    "JobRunning",
    "LinkNotValid",
    "ModelChanged",
    "ModelNotFound",
    "ModelNotLoadable",
    "ModelsNotRead",
    "NoModel",
    "OutOfMemory",
    "PicturesLost",
    "QueueFull",
    "Refused",
    "ShuttingDown",
    "StorageInUse",
    "StorageUnavailable",
    "TokenMintingForbidden",
    "TokensUnavailable",
    "TooManyCallers",
    "Unauthenticated",
    "UnreadablePicture",
]

_ID = re.compile(r"[0-9a-f]{64}")
_SHOWN_CHARACTERS = 80
"""Of a name that a client sent, in a message."""


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One wrong field and what is wrong with it."""

    field: str
    message: str


class DomainError(Exception):
    """Base of all errors that a caller may see. `str(error)` names the value and the remedy."""

    code = "error"


class InvalidRequest(DomainError):
    """One or more fields are wrong; `problems` has one row for each, all of them at once.

    Of those past the hundredth the last row tells the number: a body may hold very many.
    """

    code = "invalid_request"
    MOST_PROBLEMS = 100

    def __init__(self, problems: Sequence[FieldProblem]) -> None:
        shown = [*problems[: self.MOST_PROBLEMS]]
        if more := len(problems) - len(shown):
            shown.append(FieldProblem("body", f"has {more} more wrong fields"))
        self.problems = tuple(shown)
        super().__init__("; ".join(f"{row.field} {row.message}" for row in self.problems))


class Unauthenticated(DomainError):
    """The request has no credential, or one that is not valid. The answer does not say why."""

    code = "unauthenticated"

    def __init__(self, *, credential_sent: bool) -> None:
        self.credential_sent = credential_sent
        super().__init__(
            "the credential is not valid; send a current API key or token"
            if credential_sent
            else "a credential is needed; send 'Authorization: Bearer <API key or token>'"
        )


class Forbidden(DomainError):
    """The credential is valid, but lacks the scope that this route needs."""

    code = "insufficient_scope"


class TokenMintingForbidden(Forbidden):
    """Only an API key can make a token."""

    code = "token_minting_forbidden"


class LinkNotValid(Forbidden):
    """The link has expired, or this service did not make it. The answer does not say which."""

    code = "link_not_valid"

    def __init__(self) -> None:
        super().__init__(
            "the link to this picture is not valid, or has expired; ask for the picture again"
        )


class TokensUnavailable(DomainError):
    """Tokens need a `SECRET_KEY`, and none is set."""

    code = "tokens_unavailable"


class ModelNotFound(DomainError):
    """No model in the folders has this id or name, or several models have this name.

    Args:
        wanted: The id or the name.
        stands_for: What an alias of this name stands for; None for what is no alias.
        is_default: Whether it is the name of the default model, which the request left out.
        bearers: The models that have the name, each as a person tells them apart.
    """

    code = "model_not_found"

    def __init__(
        self,
        wanted: str,
        *,
        stands_for: str | None = None,
        is_default: bool = False,
        bearers: Sequence[str] = (),
    ) -> None:
        self.wanted = wanted
        self.bearers = tuple(bearers)
        name = f"{wanted[:_SHOWN_CHARACTERS]!a}"
        if is_default:
            name = f"the default model {name}"
        if stands_for is not None:
            name = f"{name}, which stands for {stands_for[:_SHOWN_CHARACTERS]!a},"
        if bearers:
            why = f"{name} names several models: {', '.join(bearers)}; send the id of one"
        elif is_default or stands_for is not None:
            why = f"{name} is not there; GET /v1/models lists the models"
        else:
            called = "has the id" if _ID.fullmatch(wanted.lower()) else "has the id or name"
            why = f"no model {called} {name}; GET /v1/models lists the models"
        super().__init__(why)


class NoModel(ModelNotFound):
    """The request names no model, and no model in the folders can draw."""

    code = "no_model"

    def __init__(self) -> None:
        DomainError.__init__(
            self,
            "there is no model to draw with; put a checkpoint into one of the folders that "
            "MODEL_DIRS names, or let `ai-inference demo` put a small one there. GET /v1/models "
            "says why each file cannot draw",
        )
        self.wanted = ""
        self.bearers = ()


class ModelNotLoadable(DomainError):
    """The model is there, but it cannot draw; `detail` says why.

    `lasting` says whether its bytes are why, so that another attempt would end likewise.
    """

    code = "model_not_loadable"

    def __init__(self, message: str, *, lasting: bool = False) -> None:
        self.lasting = lasting
        super().__init__(message)


class ModelChanged(ModelNotLoadable):
    """The file has changed, so it is not the one that the id names."""

    code = "model_changed"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} has changed since it was listed; GET /v1/models has its new id")


class OutOfMemory(DomainError):
    """The picture does not fit in the memory of the device."""

    code = "out_of_memory"


class GenerationFailed(DomainError):
    """The device or the model failed while drawing."""

    code = "generation_failed"


class DeviceLost(GenerationFailed):
    """The device failed for good. The service ends itself, so that it can be restarted."""

    code = "device_lost"


class DeviceUnavailable(DomainError):
    """The device that `DEVICE` names is not there."""

    code = "device_unavailable"


class JobNotFound(DomainError):
    """You have no job with this id. Jobs of other callers are never shown."""

    code = "job_not_found"

    def __init__(self, job_id: str) -> None:
        super().__init__(f"you have no job {job_id!a}; GET /v1/jobs lists your jobs")


class ImageNotFound(DomainError):
    """The job has no picture with this number."""

    code = "image_not_found"


class ImageNotReady(ImageNotFound):
    """The job is queued or running, so it has no pictures yet."""

    code = "image_not_ready"

    def __init__(self, job_id: str, status: str) -> None:
        super().__init__(
            f"the job {job_id!a} is {status} and has no pictures yet; wait until it has succeeded; "
            "GET /v1/jobs/{id} and its events say when"
        )


class JobRunning(DomainError):
    """The job has not ended. Only a finished job can be forgotten."""

    code = "job_running"

    def __init__(self, job_id: str, status: str) -> None:
        super().__init__(
            f"the job {job_id!a} is {status}, and only a finished job can be forgotten; cancel it "
            "first, or wait until it has ended"
        )


class JobNotReadable(DomainError):
    """Another release of this service stored the job, and this one cannot draw it."""

    code = "job_not_readable"

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"another release of this service stored this job, and this release does not take it: "
            f"{reason}; send a new request, or run that release"
        )


class PicturesLost(DomainError):
    """The job was drawn, but its picture files are gone or damaged."""

    code = "pictures_lost"

    def __init__(self, job_id: str) -> None:
        what = f"the files of the job {job_id!a} are gone"
        super().__init__(f"{what}; send the same request again to have it drawn again")


class IdConflict(DomainError):
    """The id belongs to another request of yours, which stays as it is."""

    code = "id_conflict"

    def __init__(self, job_id: str) -> None:
        super().__init__(
            f"the id {job_id!a} belongs to another request of yours; send a new id, or the "
            "same request again to get its result"
        )


class JobCancelled(DomainError):
    """The job was cancelled while this request waited for it."""

    code = "cancelled"

    def __init__(self, job_id: str) -> None:
        super().__init__(f"the job {job_id!a} was cancelled; send it again to have it drawn")


class UnreadablePicture(DomainError):
    """The picture that you sent cannot be read; `detail` says why."""

    code = "unreadable_picture"

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(f"the picture {what}; send a PNG, JPEG or WebP file")


class StorageUnavailable(DomainError):
    """Jobs or pictures cannot be stored or read now."""

    code = "storage_unavailable"


class StorageInUse(StorageUnavailable):
    """Another service uses the same `DATA_DIR`."""

    code = "storage_in_use"

    def __init__(self) -> None:
        super().__init__(
            "another service uses the same DATA_DIR; stop that one, or start this one with another "
            "DATA_DIR"
        )


class Refused(DomainError):
    """Not now; `retry_after` says in how many seconds to try again."""

    code = "refused"

    def __init__(self, message: str, *, retry_after: int) -> None:
        self.retry_after = retry_after
        super().__init__(message)


class QueueFull(Refused):
    """The queue is full: `MAX_QUEUE`, or `MAX_QUEUE_PER_CALLER` for your own jobs."""

    code = "queue_full"

    def __init__(self, *, waiting: int, retry_after: int, of_caller: bool = False) -> None:
        what = f"the queue is full: {waiting} jobs wait already"
        if of_caller:
            what = (
                f"{waiting} of your jobs wait already, which is the most that one caller may have"
            )
        super().__init__(f"{what}; try again in {retry_after} s", retry_after=retry_after)


class DeadlineUnmet(Refused):
    """The pictures would not be ready within the time that `Prefer` allows."""

    code = "deadline_unmet"

    def __init__(self, *, within: float, predicted: float) -> None:
        super().__init__(
            f"the pictures would take about {predicted:.1f} s, more than the {within:g} s that "
            "Prefer allows; allow more time, or leave out handling=strict",
            retry_after=max(1, round(predicted - within)),
        )


class TooManyCallers(Refused):
    """Too many callers wait for pictures or listen to events now."""

    code = "too_many_callers"


class ModelsNotRead(Refused):
    """No model has this id or name yet, and not all files are read.

    Without `wanted` it is the default model that is not known yet.
    """

    code = "models_not_read"

    def __init__(self, wanted: str = "") -> None:
        what = "the default model is not known yet"
        if wanted:
            what = f"no model has the id or name {wanted[:_SHOWN_CHARACTERS]!a} now"
        message = (
            f"{what}, and not all files are read; send the request again in a moment. "
            "GET /v1/models lists the models and the files that are being read"
        )
        super().__init__(message, retry_after=5)


class ShuttingDown(Refused):
    """The service is stopping and takes no new requests."""

    code = "shutting_down"

    def __init__(self) -> None:
        super().__init__(
            "the service is stopping; send the request again in a moment", retry_after=5
        )
