"""A job: one accepted request on its way to its pictures."""

import dataclasses
from dataclasses import dataclass, field

from application.fingerprints import fingerprint
from application.job_facts import (
    ForeignJob,
    JobFailure,
    JobImage,
    JobKey,
    JobStatus,
    Progress,
)
from domain.errors import GenerationFailed, IdConflict, JobNotReadable
from domain.generation.any_request import AnyRequest, AnyResult
from domain.generation.forms.flat import FLAT, differing_parts
from domain.generation.output_formats import OutputFormat
from domain.generation.request import GenerationRequest, Timings
from domain.pictures import PictureRef

__all__ = [
    "ForeignJob",
    "Job",
    "JobFailure",
    "JobImage",
    "JobKey",
    "JobPage",
    "JobStatus",
    "JobView",
    "Progress",
]

_MOST_ATTEMPTS = 3
"""How often a job is started if its process ends each time for an unknown reason, such as SIGKILL.
An operator may have sent it, or the kernel when memory ran out. Neither loses the job."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job as it is stored. Each change of its status makes a new value.

    Attributes:
        caller: The owner of the job.
        request: What to draw, with its seed.
        seed_drawn: Whether the service drew the seed, because the request had none.
        model_name: The name that the caller gave the model; None if it is not known.
        other_names: The names that the caller gave the models beside the checkpoint, by the fields
            that have them, such as `upscale.model_id`.
        token: Names the files of the job. It is unique among all jobs.
        sequence: Its place among all accepted jobs; 0 until a store has given it one.
        created_at: Seconds since 1970, as the other times are.
        attempts: How often its drawing was started, without starts that were requeued.
        failure: Why it failed; None if it has not failed.
        images: The pictures of a job that succeeded; else None.
        processing_time: Seconds of the drawing, without the wait in the queue.
        steps_done: The steps that were done when the job was cancelled or failed.
        steps_in_all: The number of all steps of that drawing; None if it is not known.
        foreign: Set if another release stored the job and this one refuses it. Such a job is shown,
            and never drawn.
    """

    caller: str
    request: AnyRequest
    seed_drawn: bool
    token: str
    created_at: float
    sequence: int = 0
    status: JobStatus = JobStatus.QUEUED
    started_at: float | None = None
    attempts: int = 0
    finished_at: float | None = None
    failure: JobFailure | None = None
    images: tuple[JobImage, ...] | None = None
    processing_time: float | None = None
    timings: Timings | None = None
    warnings: tuple[str, ...] = ()
    model_name: str | None = None
    other_names: dict[str, str] = field(default_factory=dict, hash=False)
    steps_done: int = 0
    steps_in_all: int | None = None
    foreign: ForeignJob | None = None

    @property
    def key(self) -> JobKey:
        """The caller and the id, which name the job."""
        return JobKey(self.caller, self.request.id)

    def picture(self, number: int) -> PictureRef | None:
        """Return the reference of a picture that the job has drawn, by its number from 0.

        None if there is no such picture, or if an earlier release stored it without its hash.
        """
        images, output_format = self.images or (), self.request.output_format
        if not 0 <= number < len(images) or output_format not in list(OutputFormat):
            return None
        image = images[number]
        if image.sha256 is None:
            return None
        return PictureRef(
            id=image.sha256,
            media_type=OutputFormat(output_format).media_type,
            size=image.size,
            width=image.width,
            height=image.height,
        )

    def answers(self, request: AnyRequest) -> bool:
        """Whether `request` asks for what this job draws.

        A seed that the service drew belongs to the id. A request without a seed asks for the same
        job, and so does a request with that seed. A job whose pictures, status or request this
        release cannot read answers no request.
        """
        if self.status is JobStatus.SUCCEEDED and self.images is None:
            return False
        if (foreign := self.foreign) is not None and not (
            foreign.has_known_status and foreign.has_known_request
        ):
            return False
        same = [fingerprint(self.request)]
        if self.seed_drawn:
            same.append(fingerprint(self.request, seed=None))
        return fingerprint(request) in same

    def conflict_with(self, request: AnyRequest) -> IdConflict:
        """Return the error for a request with this job's id that asks for something else."""
        ours, theirs = self.request, request
        differing = (
            each.name
            for each in dataclasses.fields(ours)
            if each.name not in FLAT
            and getattr(ours, each.name) != getattr(theirs, each.name, each.default)
            and not (each.name == "seed" and self.seed_drawn and request.seed is None)
        )
        names = tuple(differing)
        if isinstance(ours, GenerationRequest) and isinstance(theirs, GenerationRequest):
            names += tuple(differing_parts(ours, theirs))
        return IdConflict(ours.id, names, str(ours.output_format))

    @property
    def can_be_replaced(self) -> bool:
        """Whether another request may use its id, because the job produced no picture."""
        is_known = self.foreign is None or self.foreign.has_known_status
        return is_known and self.status in (JobStatus.FAILED, JobStatus.CANCELLED)

    def started(self, now: float) -> "Job":
        """Return the job as it is being drawn."""
        return self._moved(
            JobStatus.QUEUED,
            status=JobStatus.RUNNING,
            started_at=now,
            attempts=self.attempts + 1,
        )

    def requeued(self) -> "Job":
        """Return the job as it waits again, as if it had never been started."""
        return self._moved(
            JobStatus.RUNNING,
            status=JobStatus.QUEUED,
            started_at=None,
            attempts=self.attempts - 1,
        )

    def recovered(self, now: float, crash: str | None = None) -> "Job":
        """Return a job whose process ended while it was drawn. It waits again, or it has failed.

        Args:
            now: Seconds since 1970.
            crash: The fault by which this job ended the process, in words; the job fails at once.
                None if no such fault is known; the job waits again, a few times at most.
        """
        if crash is not None:
            detail = (
                f"the process that drew this was ended by {crash}, so it is not drawn again; the "
                "log has where. Choose another model, or change the request"
            )
            return self.failed(now, JobFailure.of(GenerationFailed(detail)))
        if self.attempts < _MOST_ATTEMPTS:
            return self._moved(JobStatus.RUNNING, status=JobStatus.QUEUED, started_at=None)
        detail = (
            f"the service ended {self.attempts} times while this was drawn, perhaps because of it: "
            "a process that takes all memory is killed"
        )
        return self.failed(now, JobFailure.of(GenerationFailed(detail)))

    def succeeded(self, now: float, result: AnyResult) -> "Job":
        """Return the job with its pictures."""
        return self._moved(
            JobStatus.RUNNING,
            status=JobStatus.SUCCEEDED,
            finished_at=now,
            images=tuple(map(JobImage.of, result.images)),
            processing_time=result.processing_time,
            timings=result.timings,
            warnings=result.warnings,
        )

    def failed(self, now: float, failure: JobFailure, progress: Progress | None = None) -> "Job":
        """Return the job as it failed after this progress."""
        return self._moved(
            JobStatus.RUNNING,
            status=JobStatus.FAILED,
            finished_at=now,
            failure=failure,
            **_steps(progress),
        )

    def cancelled(self, now: float, progress: Progress | None = None) -> "Job":
        """Return the job as its caller cancelled it after this progress."""
        return self._moved(
            JobStatus.QUEUED,
            JobStatus.RUNNING,
            status=JobStatus.CANCELLED,
            finished_at=now,
            **_steps(progress),
        )

    def refused(self, now: float) -> "Job":
        """Return the job as it failed because this release cannot read it."""
        reason = "" if self.foreign is None else self.foreign.reason
        failure = JobFailure.of(JobNotReadable(reason))
        return self._moved(
            JobStatus.QUEUED,
            JobStatus.RUNNING,
            status=JobStatus.FAILED,
            finished_at=now,
            failure=failure,
        )

    def _moved(self, *from_: JobStatus, **changes: object) -> "Job":
        if self.status not in from_:
            raise ValueError(
                f"job {self.request.id!r} is {self.status}, which never becomes {changes['status']}"
            )
        return dataclasses.replace(self, **changes)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class JobView:
    """A job as its caller sees it. `position` is 1 for the waiting job that is drawn next."""

    job: Job
    position: int | None = None
    progress: Progress | None = None

    @classmethod
    def at_rest(cls, job: Job, position: int | None = None) -> "JobView":
        """Return the view of a job that is not being drawn."""
        steps = job.steps_in_all or job.request.steps
        done = steps if job.status is JobStatus.SUCCEEDED else job.steps_done
        return cls(job, position, Progress(done, steps))


@dataclass(frozen=True, slots=True)
class JobPage:
    """Some of a caller's jobs, newest first; `older` is where the next page begins."""

    jobs: tuple[JobView, ...]
    older: int | None = None


def _steps(progress: Progress | None) -> dict[str, int]:
    if progress is None:
        return {}
    return {"steps_done": progress.step, "steps_in_all": progress.steps}
