"""Jobs and their pictures."""

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
    """The job has not ended. Only a finished job can be removed."""

    code = "job_running"

    def __init__(self, job_id: str, status: str) -> None:
        super().__init__(
            f"the job {job_id!a} is {status}, and only a finished job can be removed; cancel it "
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
