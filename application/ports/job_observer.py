"""Observes jobs, for metrics."""

from abc import ABC, abstractmethod

from application.job import Job

__all__ = ["JobObserver", "NoJobObserver"]


class JobObserver(ABC):
    """Is called for events of jobs, by the thread that causes the event.

    That thread waits for the return, so each method returns at once and raises nothing.
    """

    @abstractmethod
    def batch_drawn(self, images: int) -> None:
        """This number of images was drawn at once."""

    @abstractmethod
    def step_done(self, seconds: float) -> None:
        """A step of a batch took this long."""

    @abstractmethod
    def job_ended(self, job: Job) -> None:
        """A job is finished. Called once for each job, and never for a result that is replayed."""


class NoJobObserver(JobObserver):
    """Ignores everything."""

    def batch_drawn(self, images: int) -> None:
        pass

    def step_done(self, seconds: float) -> None:
        pass

    def job_ended(self, job: Job) -> None:
        pass
