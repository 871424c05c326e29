"""A job of this process that is not finished."""

import contextlib
import math
from concurrent.futures import Future, InvalidStateError
from dataclasses import dataclass, field

from application.job import Job, Progress
from application.jobs.batching import Waiting
from domain.generation.request import GenerationResult

__all__ = ["LiveJob"]


@dataclass(slots=True, eq=False)
class LiveJob:
    """A job that is not finished. All but `outcome` changes under the queue's lock only.

    Attributes:
        arrived: How many turns had been taken when it came.
        passes: How often one behind it was drawn first.
        progress: Once it is drawn.
        preview: A JPEG of the work so far.
        cancelling: Whether it is to stop before its next step. Its id may be sent again then.
        settled: Whether it is drawn and being kept: too late for a cancel.
        listeners: How many follow its events.
        viewers: How many of them want to see the work so far.
        moved_at: When it was begun, or had its last step; seconds of a clock that never jumps.
        glanced_at: When somebody last asked how it looks, by the worker's clock.
        changes: The version in which each kind of event last had something new.
        outcome: For those who wait for it.
    """

    job: Job
    arrived: int
    passes: int = 0
    progress: Progress | None = None
    preview: bytes | None = None
    cancelling: bool = False
    settled: bool = False
    listeners: int = 0
    viewers: int = 0
    moved_at: float = -math.inf
    glanced_at: float = -math.inf
    changes: dict[str, int] = field(default_factory=dict)
    outcome: "Future[GenerationResult]" = field(default_factory=Future)

    @property
    def may_be_deadly(self) -> bool:
        """Whether an earlier process ended while it was drawn, as this one may."""
        return self.job.attempts > 0

    def place(self, *, goes_last: bool) -> Waiting:
        """What decides when a job that waits is drawn, and with which others."""
        return Waiting(
            self.job.caller,
            self.job.sequence,
            self.arrived,
            self.job.request.batch_key,
            self.job.request.num_images,
            self.passes,
            goes_last=goes_last,
            alone=self.may_be_deadly,
        )

    def changed(self, event: str) -> None:
        """Note that there is something new of this kind."""
        self.changes[event] = max(self.changes.values(), default=0) + 1

    def conclude(self, outcome: GenerationResult | Exception) -> None:
        """Tell those who wait. Nothing when they were told before, as the service stopped."""
        with contextlib.suppress(InvalidStateError):
            if isinstance(outcome, Exception):
                self.outcome.set_exception(outcome)
            else:
                self.outcome.set_result(outcome)
