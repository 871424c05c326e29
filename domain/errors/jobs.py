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
