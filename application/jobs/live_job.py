"""The unfinished jobs of this process, and the handle that a caller gets."""

import contextlib
import math
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Future, InvalidStateError
from dataclasses import dataclass, field

from application.job import Job, JobStatus, JobView, Progress
from application.jobs.partial_pictures import PartialPictures, is_partial
from domain.generation.any_request import AnyResult

__all__ = ["Change", "LiveJob", "Submission", "TakenBatch", "Workers"]


@dataclass(slots=True, eq=False)
class LiveJob:
    """A job that is not finished. Only the queue changes it, under its lock, except `outcome`.

    Attributes:
        arrived: How many turns had been taken when the job arrived.
        passes: How often a later job was drawn before this one.
        progress: The progress of the drawing; None before it begins.
        preview: A JPEG of the work so far.
        cancelling: Whether the job must stop before its next step. Its id may be sent again then.
        settled: Whether a thread is ending the job. It is too late for a cancel then.
        listeners: How many clients follow the events of the job.
        viewers: How many of them want previews.
        partials: Previews at even steps, for the clients that ask for them.
        moved_at: When the drawing began or had its last step; seconds of a clock that never jumps.
        polled_at: When a client last asked for a preview, by the worker's clock.
        versions: For each kind of event, the version in which it last had something new.
        outcome: The result or the error, for waiting callers.
        crashed_before: Whether an earlier process ended while it drew this job, so that this
            process may end too.
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
    partials: PartialPictures = field(default_factory=PartialPictures)
    moved_at: float = -math.inf
    polled_at: float = -math.inf
    versions: dict[str, int] = field(default_factory=dict)
    outcome: "Future[AnyResult]" = field(default_factory=Future)
    crashed_before: bool = field(init=False)

    def __post_init__(self) -> None:
        self.crashed_before = self.job.attempts > 0

    @property
    def is_running(self) -> bool:
        """Whether the drawing has begun and has not ended."""
        return self.job.status is JobStatus.RUNNING

    def note(self, event: str) -> None:
        """Note a new event of this kind."""
        self.versions[event] = max(self.versions.values(), default=0) + 1

    def news(self, after: int, *, previews: bool, partials: int = 0) -> tuple[int, str] | None:
        """Return the version and the kind of the first event that is newer than a version.

        None if there is no newer event. After the end of a job, only its partial pictures and the
        end are returned. `previews` and `partials` are those of `JobWatch`.
        """
        has_ended = "done" in self.versions
        newer = [
            (version, event)
            for event, version in self.versions.items()
            if version > after
            and (
                self.partials.are_for(partials, event)
                if is_partial(event)
                else event == "done" or (not has_ended and (previews or event != "preview"))
            )
        ]
        return min(newer, default=None)

    def conclude(self, outcome: AnyResult | Exception) -> None:
        """Give waiting callers the outcome. Does nothing if they have one already."""
        with contextlib.suppress(InvalidStateError):
            if isinstance(outcome, Exception):
                self.outcome.set_exception(outcome)
            else:
                self.outcome.set_result(outcome)


@dataclass(frozen=True, slots=True)
class TakenBatch:
    """Jobs that one worker has taken; `limit` is the most images to draw at once."""

    jobs: tuple[LiveJob, ...]
    limit: int


class Workers:
    """The batch of each worker, and the idle workers. The queue's lock guards it.

    Each worker is identified by its name.
    """

    def __init__(self) -> None:
        self._drawing: dict[str, tuple[LiveJob, ...]] = {}
        self._taken: dict[LiveJob, str] = {}
        self._idle: dict[str, Collection[str]] = {}

    def __contains__(self, worker: str) -> bool:
        return worker in self._drawing

    def join(self, worker: str) -> None:
        """Let a worker take jobs from now on."""
        self._drawing[worker] = ()

    def leave(self, worker: str) -> bool:
        """Let a worker take no more jobs; False if it had left before."""
        return self._drawing.pop(worker, None) is not None

    @property
    def batches(self) -> tuple[tuple[LiveJob, ...], ...]:
        """The batch of each worker; empty for a worker that draws nothing."""
        return tuple(self._drawing.values())

    @property
    def taken(self) -> tuple[LiveJob, ...]:
        """The jobs that were taken and are not finished: being drawn, or being stored."""
        return tuple(self._taken)

    @property
    def are_busy(self) -> bool:
        """Whether a job is being drawn or stored."""
        return any(worker in self for worker in self._taken.values())

    @property
    def are_drawing_solo(self) -> bool:
        """Whether a solo job is being drawn. No other job may start beside it."""
        return any(live.crashed_before for live, name in self._taken.items() if name in self)

    def running_of(self, worker: str) -> tuple[LiveJob, ...]:
        """The jobs that a worker is drawing or storing."""
        return tuple(
            live for live, name in self._taken.items() if name == worker and live.is_running
        )

    @contextlib.contextmanager
    def idle(self, worker: str, warm: Collection[str]) -> Iterator[None]:
        """Mark a worker as idle inside the block, with these models loaded."""
        self._idle[worker] = warm
        try:
            yield
        finally:
            del self._idle[worker]

    def is_warm_elsewhere(self, model_id: str, worker: str) -> bool:
        """Whether another idle worker has a model loaded, and this worker has not."""
        others = (warm for name, warm in self._idle.items() if name in self and name != worker)
        return model_id not in self._idle[worker] and any(model_id in warm for warm in others)

    def take(self, worker: str, jobs: tuple[LiveJob, ...]) -> None:
        """Note that a worker has taken these jobs to draw them together."""
        self._taken |= dict.fromkeys(jobs, worker)
        self._drawing[worker] = jobs

    def put_back(self, worker: str) -> tuple[LiveJob, ...]:
        """The jobs that a worker has taken and not begun, which it has no longer."""
        left = tuple(
            live for live, name in self._taken.items() if name == worker and not live.is_running
        )
        for live in left:
            self.drop(live)
        return left

    def drop(self, live: LiveJob) -> None:
        """Note that a job is finished, or waits again."""
        worker = self._taken.pop(live, None)
        if worker is not None and worker in self:
            left = tuple(each for each in self._drawing[worker] if each is not live)
            self._drawing[worker] = left


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a job.

    Attributes:
        version: Grows with each change of the job.
        event: The kind: `queued`, `progress`, `preview`, `done` or one partial picture.
        view: The job as it is now.
        preview: The JPEG of a preview or a partial picture; else None.
    """

    version: int
    event: str
    view: JobView
    preview: bytes | None = None


@dataclass(frozen=True, slots=True)
class Submission:
    """A job that was accepted, joined or found finished."""

    _look: Callable[[], JobView]
    _wait: Callable[[float | None], AnyResult]

    @property
    def view(self) -> JobView:
        """The job as it is now."""
        return self._look()

    def wait(self, timeout: float | None = None) -> AnyResult:
        """Wait for the result, and return it. The end of a wait does not cancel the job.

        Raises:
            TimeoutError: There was no result within `timeout` seconds.
            DomainError: There will be no result, for the reason that the error names.
        """
        return self._wait(timeout)
