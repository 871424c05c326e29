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
    """What names a job: the id is its caller's own."""

    caller: str
    id: str


@dataclass(frozen=True, slots=True)
class JobFailure:
    """Why a job failed.

    Attributes:
        code: Of a DomainError, or `internal_error`.
        detail: The same in words, for a person to read.
        facts: Those of the DomainError, so that it can be said in other words. None where it was
            none, or an older release stored the job: the words are all that there is then.
    """

    code: str
    detail: str
    facts: dict[str, Any] | None = dataclasses.field(default=None, hash=False)

    @classmethod
    def of(cls, error: DomainError) -> "JobFailure":
        """The failure that this error is."""
        return cls(error.code, str(error), error.facts)

    @property
    def error(self) -> DomainError | None:
        """The error again; None where it is not known, or is not one of this release."""
        return None if self.facts is None else restored(self.code, self.facts)


@dataclass(frozen=True, slots=True)
class JobImage:
    """What is known of a finished picture without its file.

    Attributes:
        seed: It is drawn from this.
        width: Pixels.
        height: Pixels.
        size: The file's bytes.
        sha256: The file's SHA-256 in hex. None for a job that an older release stored.
    """

    seed: int
    width: int
    height: int
    size: int
    sha256: str | None = None

    @classmethod
    def of(cls, image: GeneratedImage) -> "JobImage":
        """What is known of this picture."""
        digest = hashlib.sha256(image.data).hexdigest()
        return cls(image.seed, image.width, image.height, len(image.data), digest)

    def describes(self, data: bytes) -> bool:
        """Whether a file holds this picture, to the last byte."""
        if len(data) != self.size:
            return False
        return self.sha256 is None or hashlib.sha256(data).hexdigest() == self.sha256


@dataclass(frozen=True, slots=True)
class ForeignJob:
    """What another release stored of a job, where this one would refuse it.

    Attributes:
        reason: What this release refuses.
        body: All that is stored, as text, so that none of it is lost.
        has_known_status: Whether this release knows the status that is stored.
        has_known_request: Whether this release reads all of the request that is stored.
    """

    reason: str
    body: str
    has_known_status: bool
    has_known_request: bool


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the drawing is.

    Attributes:
        step: Steps that are done.
        steps: Steps in all.
        rate: Steps a second; None until one is done.
        seconds_left: Until the last step, at that rate.
    """

    step: int
    steps: int
    rate: float | None = None
    seconds_left: float | None = None
