"""Errors of jobs and their pictures."""

from dataclasses import dataclass

from domain.errors.base import DomainError

__all__ = [
    "IdConflict",
    "ImageNotFound",
    "ImageNotReady",
    "JobCancelled",
    "JobNotFound",
    "JobNotReadable",
    "JobRunning",
    "PicturesLost",
]


@dataclass(eq=False)
class JobNotFound(DomainError):
    """You have no job with this id. Jobs of other callers are never shown."""

    job_id: str

    code = "job_not_found"

    def __str__(self) -> str:
        return f"the caller has no job {self.job_id!a}"


@dataclass(eq=False)
class ImageNotFound(DomainError):
    """The job has no picture with this number.

    Attributes:
        job_id: The job; empty if the request named no job.
        number: The requested picture: a number, or a text that is not a number.
        status: How a job without pictures ended; empty for a job with pictures.
        pictures: The number of pictures of the job.
    """

    job_id: str = ""
    number: int | str = 0
    status: str = ""
    pictures: int = 0

    code = "image_not_found"

    def __str__(self) -> str:
        if isinstance(self.number, str):
            return f"{self.number!a} is not the number of a picture"
        if not self.job_id:
            return "the picture is gone: its job was removed, or its retention time has ended"
        if self.status:
            verb = "has" if self.status == "failed" else "was"
            return f"the job {self.job_id!a} {verb} {self.status} and has no pictures"
        last = self.pictures - 1
        count = f"{self.pictures} pictures, numbers 0 to {last}" if last else "1 picture, number 0"
        return f"the job {self.job_id!a} has {count}; there is no picture {self.number}"


class ImageNotReady(ImageNotFound):
    """The job is queued or running, so it has no pictures yet."""

    code = "image_not_ready"

    def __init__(self, job_id: str, status: str) -> None:
        super().__init__(job_id, status=status)

    def __str__(self) -> str:
        return f"the job {self.job_id!a} is {self.status} and has no pictures yet"


@dataclass(eq=False)
class JobRunning(DomainError):
    """The job has not ended. Only a finished job can be removed."""

    job_id: str
    status: str

    code = "job_running"

    def __str__(self) -> str:
        return f"the job {self.job_id!a} is {self.status}, and only a finished job can be removed"


@dataclass(eq=False)
class JobNotReadable(DomainError):
    """Another release of this service stored the job, and this one cannot draw it."""

    reason: str

    code = "job_not_readable"

    def __str__(self) -> str:
        return (
            "another release of this service stored this job, and this release does not take it: "
            f"{self.reason}"
        )


@dataclass(eq=False)
class PicturesLost(DomainError):
    """The job was drawn, but its picture files are gone or damaged."""

    job_id: str

    code = "pictures_lost"

    def __str__(self) -> str:
        return f"the files of the job {self.job_id!a} are gone"


@dataclass(eq=False)
class IdConflict(DomainError):
    """The id belongs to another request of yours, which does not change.

    Attributes:
        job_id: The id.
        differing: The fields in which the new request differs from the request with the id.
        output_format: The output format of the request with the id; empty if it is not known.
    """

    job_id: str
    differing: tuple[str, ...] = ()
    output_format: str = ""

    code = "id_conflict"

    def __str__(self) -> str:
        fields = ", ".join(self.differing)
        which = f", which differs in {fields}" if fields else ""
        return f"the id {self.job_id!a} belongs to another request of the caller{which}"


@dataclass(eq=False)
class JobCancelled(DomainError):
    """The job was cancelled while this request waited for it."""

    job_id: str

    code = "cancelled"

    def __str__(self) -> str:
        return f"the job {self.job_id!a} was cancelled"
