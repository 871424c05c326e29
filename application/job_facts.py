"""The values that describe a job: its status, its progress, its failure and its pictures."""

import dataclasses
import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from domain.errors import DomainError, restored
from domain.generation.request import GeneratedImage

__all__ = ["ForeignJob", "JobFailure", "JobImage", "JobKey", "JobStatus", "Progress"]


class JobStatus(StrEnum):
    """Where a job stands. Only `queued` and `running` can still change."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def finished(self) -> bool:
        """Whether the status is final."""
        return self not in (JobStatus.QUEUED, JobStatus.RUNNING)


class JobKey(NamedTuple):
    """Names a job. The caller chose the id, and other callers may use the same one."""

    caller: str
    id: str


@dataclass(frozen=True, slots=True)
class JobFailure:
    """Why a job failed.

    Attributes:
        code: The code of a DomainError, or `internal_error`.
        detail: The reason in words, for a person to read.
        facts: The facts of the DomainError, so that another wording of it can be made. None if the
            error was not a DomainError, or if an older release stored the job.
    """

    code: str
    detail: str
    facts: dict[str, Any] | None = dataclasses.field(default=None, hash=False)

    @classmethod
    def of(cls, error: DomainError) -> "JobFailure":
        """Return the failure that describes this error."""
        return cls(error.code, str(error), error.facts)

    @property
    def error(self) -> DomainError | None:
        """The error; None if its facts are unknown, or if this release has no such error."""
        return None if self.facts is None else restored(self.code, self.facts)


@dataclass(frozen=True, slots=True)
class JobImage:
    """The facts of a finished picture, without its file.

    Attributes:
        seed: The seed of the picture; None if it was only enlarged.
        width: Pixels.
        height: Pixels.
        size: The size of the file in bytes.
        sha256: The SHA-256 of the file in hex; None if an older release stored the job.
    """

    seed: int | None
    width: int
    height: int
    size: int
    sha256: str | None = None

    @classmethod
    def of(cls, image: GeneratedImage) -> "JobImage":
        """Return the facts of this picture."""
        return cls(image.seed, image.width, image.height, len(image.data), image.id)

    def describes(self, data: bytes) -> bool:
        """Whether a file has exactly the bytes of this picture."""
        if len(data) != self.size:
            return False
        return self.sha256 is None or hashlib.sha256(data).hexdigest() == self.sha256


@dataclass(frozen=True, slots=True)
class ForeignJob:
    """A job that another release stored and that this release refuses.

    Attributes:
        reason: Why this release refuses it.
        body: The whole stored text, so that nothing of it is lost.
        has_known_status: Whether this release knows the stored status.
        has_known_request: Whether this release can read the whole stored request.
    """

    reason: str
    body: str
    has_known_status: bool
    has_known_request: bool


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the drawing is.

    Attributes:
        step: The number of steps that are done.
        steps: The number of all steps.
        rate: Steps a second; None until it can be measured.
        seconds_left: Seconds until the last step, at that rate.
    """

    step: int
    steps: int
    rate: float | None = None
    seconds_left: float | None = None
