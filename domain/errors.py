"""What can go wrong, in the terms of the business.

    DomainError
    ├── InvalidRequest           one or more fields of a request are wrong
    ├── Unauthenticated          no credential, or one that is not good
    ├── Forbidden                a good credential without the right
    │   └── TokenMintingForbidden    a token can not mint another
    ├── TokensUnavailable        no SECRET_KEY, so no tokens
    ├── ModelNotFound            no model has that id or name, or several have
    │   └── NoModel                  there is no model to draw with at all
    ├── ModelNotLoadable         the file is there and can not be drawn with
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
    ├── UnreadablePicture        a picture that was sent can not be read
    ├── StorageUnavailable       jobs or results can not be kept or read now
    │   └── StorageInUse             another process draws the jobs of this DATA_DIR
    ├── Refused                  not now; says when to try again
    │   ├── QueueFull                too many jobs wait
    │   ├── DeadlineUnmet            it would not be done in time
    │   ├── TooManyCallers           too many wait for answers or listen
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
    """No credential was sent, or one that is not good. Never says which part was wrong."""

    code = "unauthenticated"

    def __init__(self, *, credential_sent: bool) -> None:
        self.credential_sent = credential_sent
        super().__init__(
            "the credential is not valid; send a current API key or token"
            if credential_sent
            else "a credential is needed; send 'Authorization: Bearer <API key or token>'"
        )


class Forbidden(DomainError):
    """The credential is good and does not carry the right."""

    code = "insufficient_scope"


class TokenMintingForbidden(Forbidden):
    """Only an API key mints tokens."""

    code = "token_minting_forbidden"


class TokensUnavailable(DomainError):
    """Tokens need a signing key, and none is configured."""

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
    """A request leaves out its model, and there is no model to draw with at all."""

    code = "no_model"

    def __init__(self) -> None:
        DomainError.__init__(
            self,
            "there is no model to draw with; put a checkpoint into one of the folders that "
            "MODEL_DIRS names, or let `ai-inference demo` put a small one there. GET /v1/models "
            "says of each file there why it cannot draw",
        )
        self.wanted = ""
        self.bearers = ()


class ModelNotLoadable(DomainError):
    """The file is there, but no picture can be drawn with it; the message says why.

    `lasting` says whether its bytes are why, so that another attempt would end likewise.
    """

    code = "model_not_loadable"

    def __init__(self, message: str, *, lasting: bool = False) -> None:
        self.lasting = lasting
        super().__init__(message)


class ModelChanged(ModelNotLoadable):
    """The file is no longer the one whose bytes the id names."""

    code = "model_changed"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} has changed since it was listed; GET /v1/models has its new id")


class OutOfMemory(DomainError):
    """The picture does not fit the device's memory."""

    code = "out_of_memory"


class GenerationFailed(DomainError):
    """The device or the model failed while drawing."""

    code = "generation_failed"


class DeviceLost(GenerationFailed):
    """The device takes no more work from this process; another process may use it."""

    code = "device_lost"


class DeviceUnavailable(DomainError):
    """The device that the configuration asks for is not there."""

    code = "device_unavailable"


class JobNotFound(DomainError):
    """The caller has no job of this id; whether somebody else has one is not said."""

    code = "job_not_found"

    def __init__(self, job_id: str) -> None:
        super().__init__(f"you have no job {job_id!a}; GET /v1/jobs lists those that you have")


class ImageNotFound(DomainError):
    """The job has no such image, or none yet."""

    code = "image_not_found"


class ImageNotReady(ImageNotFound):
    """The job is queued or running, so it has no pictures yet."""

    code = "image_not_ready"

    def __init__(self, job_id: str, status: str) -> None:
        super().__init__(
            f"the job {job_id!a} is {status} and has no pictures yet; wait until it has succeeded, "
            "which GET /v1/jobs/{id} and its events tell"
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
    """The job was drawn, but what was kept of its pictures is gone, or not whole."""

    code = "pictures_lost"

    def __init__(self, job_id: str) -> None:
        what = f"the files of the job {job_id!a} are gone"
        super().__init__(f"{what}; send the very same request again to have it drawn anew")


class IdConflict(DomainError):
    """The id names a job that was asked for something else, which stays as it is."""

    code = "id_conflict"

    def __init__(self, job_id: str) -> None:
        super().__init__(
            f"the id {job_id!a} belongs to another request of yours; send a new id, or the "
            "very same request to have its result"
        )


class JobCancelled(DomainError):
    """The job was cancelled while somebody waited for it."""

    code = "cancelled"

    def __init__(self, job_id: str) -> None:
        super().__init__(f"the job {job_id!a} was cancelled; send it again to have it drawn")


class UnreadablePicture(DomainError):
    """A picture that was sent can not be read; the message goes on after its name."""

    code = "unreadable_picture"

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(f"the picture {what}; send a PNG, JPEG or WebP file")


class StorageUnavailable(DomainError):
    """Jobs or results can not be kept or read now. The message never names a file."""

    code = "storage_unavailable"


class StorageInUse(StorageUnavailable):
    """Another process draws what is kept there."""

    code = "storage_in_use"

    def __init__(self) -> None:
        super().__init__(
            "another service uses the same DATA_DIR and draws its jobs; this one draws when that "
            "has ended, or with a DATA_DIR of its own"
        )


class Refused(DomainError):
    """Not now; `retry_after` says in how many seconds to try again."""

    code = "refused"

    def __init__(self, message: str, *, retry_after: int) -> None:
        self.retry_after = retry_after
        super().__init__(message)


class QueueFull(Refused):
    """As many jobs wait as may, of all callers or of this one."""

    code = "queue_full"

    def __init__(self, *, waiting: int, retry_after: int, of_caller: bool = False) -> None:
        what = f"{waiting} jobs wait already"
        if of_caller:
            what = f"{waiting} of your jobs wait already, as many as one caller's may"
        super().__init__(f"{what}; try again in {retry_after} s", retry_after=retry_after)


class DeadlineUnmet(Refused):
    """The caller allows less time than the queue and the drawing will take."""

    code = "deadline_unmet"

    def __init__(self, *, within: float, predicted: float) -> None:
        super().__init__(
            f"it would take about {predicted:.1f} s, which is more than the {within:g} s that "
            "Prefer allows; wait longer, or leave out handling=strict",
            retry_after=max(1, round(predicted - within)),
        )


class TooManyCallers(Refused):
    """As many callers wait for an answer, or listen to events, as may."""

    code = "too_many_callers"


class ModelsNotRead(Refused):
    """No model has the id or name now; one of the files that are still to be read may have it.

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
    """The service is stopping and takes no new work."""

    code = "shutting_down"

    def __init__(self) -> None:
        super().__init__(
            "the service is stopping; send the request again in a moment", retry_after=5
        )
