"""The errors of the domain.

    DomainError
    ├── InvalidRequest           one or more fields of a request are wrong
    │   └── AddonMismatch            add-ons cannot be used with the checkpoint
    ├── Unauthenticated          no credential, or one that is not valid
    ├── (Forbidden)              a valid credential without the right
    │   ├── ScopeMissing             it lacks the scope
    │   ├── TokenMintingForbidden    a token cannot make another
    │   └── LinkNotValid             another service made the link to a picture, or it has expired
    ├── TokensUnavailable        no key to sign tokens with
    ├── ModelNotFound            no model has that id or name, or several have
    │   └── NoModel                  no model can draw
    ├── ModelNotLoadable         the model is listed and cannot draw
    │   └── ModelChanged             the file no longer has the bytes that its id names
    ├── OutOfMemory              the picture does not fit the device
    ├── GenerationFailed         the device or the model failed while drawing
    │   └── DeviceLost               this process can no longer draw
    ├── DeviceUnavailable        the configured device is not there
    ├── JobNotFound              the caller has no job of that id
    ├── ImageNotFound            the job has no such image
    │   └── ImageNotReady            the job is not finished yet
    ├── PicturesLost             the job was drawn, and its pictures are gone
    ├── IdConflict               the id belongs to another request
    ├── JobRunning               the job has not ended, so it cannot be forgotten
    ├── JobNotReadable           another release stored the job, and this one cannot draw it
    ├── JobCancelled             the job was cancelled while a caller waited for it
    ├── UnreadablePicture        a picture that was sent cannot be read
    ├── PictureFileTooLarge      a picture that was sent has too many bytes
    ├── PictureNotFound          the caller has no picture of that id
    ├── StorageUnavailable       jobs or pictures cannot be stored or read now
    │   └── StorageInUse             another process uses the same data folder
    ├── (Refused)                refused for now; the error says when to try again
    │   ├── QueueFull                too many jobs wait
    │   ├── DeadlineUnmet            the pictures would not be ready in time
    │   ├── TooManyCallers           too many callers wait, listen or send large bodies
    │   ├── ModelsNotRead            the model may be there: not all files are read yet
    │   └── ShuttingDown             the service takes no new work

A class in brackets is never raised itself. Each other class has a stable `code`: clients and
dashboards match on it, so it never changes.

A problem is what is wrong with one field. An error is an exception.
"""

from domain.errors.access import (
    Forbidden,
    LinkNotValid,
    ScopeMissing,
    TokenMintingForbidden,
    TokensUnavailable,
    Unauthenticated,
)
from domain.errors.base import (
    DomainError,
    FieldProblem,
    InvalidRequest,
    error_classes,
    restored,
)
from domain.errors.drawing import DeviceLost, DeviceUnavailable, GenerationFailed, OutOfMemory
from domain.errors.jobs import (
    IdConflict,
    ImageNotFound,
    ImageNotReady,
    JobCancelled,
    JobNotFound,
    JobNotReadable,
    JobRunning,
    PicturesLost,
)
from domain.errors.models import (
    AddonMismatch,
    ModelChanged,
    ModelNotFound,
    ModelNotLoadable,
    NoModel,
)
from domain.errors.pictures import PictureFileTooLarge, PictureNotFound
from domain.errors.refusals import (
    Activity,
    DeadlineUnmet,
    ModelsNotRead,
    QueueFull,
    Refused,
    ShuttingDown,
    TooManyCallers,
)
from domain.errors.storage import (
    StorageFault,
    StorageInUse,
    StorageUnavailable,
    UnreadablePicture,
)
from domain.errors.wording import Wording, row_of

__all__ = [
    "Activity",
    "AddonMismatch",
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
    "PictureFileTooLarge",
    "PictureNotFound",
    "PicturesLost",
    "QueueFull",
    "Refused",
    "ScopeMissing",
    "ShuttingDown",
    "StorageFault",
    "StorageInUse",
    "StorageUnavailable",
    "TokenMintingForbidden",
    "TokensUnavailable",
    "TooManyCallers",
    "Unauthenticated",
    "UnreadablePicture",
    "Wording",
    "error_classes",
    "restored",
    "row_of",
]
