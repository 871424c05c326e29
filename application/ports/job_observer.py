"""Who is told how the drawing goes."""

from abc import ABC, abstractmethod

from application.job import Job

__all__ = ["JobObserver", "NoJobObserver"]


class JobObserver(ABC):
    """Is told of what happens to jobs, by the thread to which it happens.

    That thread waits meanwhile, so a method returns at once, and it raises nothing.
    """

    @abstractmethod
    def batch_drawn(self, images: int) -> None:
        """So many images were drawn at once."""

    @abstractmethod
    def step_done(self, seconds: float) -> None:
        """A step of all images that are drawn at once came so long after the one before it."""

    @abstractmethod
    def job_ended(self, job: Job) -> None:
        """A job is finished. Told once of each, never of a result that is only asked for again."""


class NoJobObserver(JobObserver):
    """Takes no notice."""

    def batch_drawn(self, images: int) -> None:
        pass

    def step_done(self, seconds: float) -> None:
        pass

    def job_ended(self, job: Job) -> None:
        pass
