"""An observer that records its calls."""

from application.job import Job
from application.ports.job_observer import JobObserver

__all__ = ["FakeJobObserver"]


class FakeJobObserver(JobObserver):
    """The recorded calls, in order.

    Attributes:
        batches: Images that were drawn at once.
        steps: Seconds between steps.
        ended: Jobs that are finished.
    """

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.steps: list[float] = []
        self.ended: list[Job] = []

    @property
    def outcomes(self) -> list[tuple[str, str, str | None]]:
        """Return the id, the status and the failure code of each job."""
        return [
            (job.request.id, job.status.value, job.failure.code if job.failure else None)
            for job in self.ended
        ]

    def batch_drawn(self, images: int) -> None:
        self.batches.append(images)

    def step_done(self, seconds: float) -> None:
        self.steps.append(seconds)

    def job_ended(self, job: Job) -> None:
        self.ended.append(job)
