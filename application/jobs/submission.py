"""What a caller holds of a job it has submitted."""

from collections.abc import Callable
from dataclasses import dataclass

from application.job import JobView
from domain.generation.request import GenerationResult

__all__ = ["Submission"]


@dataclass(frozen=True, slots=True)
class Submission:
    """A job that was accepted, joined or found finished."""

    _look: Callable[[], JobView]
    _wait: Callable[[float | None], GenerationResult]

    @property
    def view(self) -> JobView:
        """The job as it is now."""
        return self._look()

    def wait(self, timeout: float | None = None) -> GenerationResult:
        """The result, once it is there. Ending the wait cancels nothing.

        Raises:
            TimeoutError: it was not there within `timeout` seconds.
            DomainError: what became of the job instead.
        """
        return self._wait(timeout)
