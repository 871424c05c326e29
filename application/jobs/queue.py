"""The jobs of this process that are not finished: which wait, which are drawn, who is told."""

import threading
import time
from collections.abc import Callable

from application.job import Job, JobKey, JobStatus, JobView, Progress
from application.jobs.batching import Waiting, drawing_order, next_batch
from application.jobs.fair_places import fair_places
from application.jobs.live_job import LiveJob
from application.ports.job_observer import JobObserver
from domain.errors import ShuttingDown
from domain.generation.request import BatchKey, GenerationResult

__all__ = ["JobQueue"]

_LOOK_AGAIN_SECONDS = 1.0
"""Until jobs whose model is not listed yet are looked at again."""
_REMEMBERED_CALLERS = 10_000


class JobQueue:
    """A bounded queue, fair between callers.

    `max_of_caller` jobs of one caller may wait; without that number, as many as `fair_places` says.

    What may have ended an earlier process goes last, and alone.

    `changed` guards all that is in here. The worker holds it to take jobs, never while it draws;
    a caller holds it to put one in, never while it waits for its pictures.
    """

    def __init__(
        self, *, max_waiting: int, max_of_caller: int | None, observer: JobObserver
    ) -> None:
        self.changed = threading.Condition()
        self._observer = observer
        self._max_waiting = max_waiting
        self._max_of_caller = max_of_caller
        self._live: dict[JobKey, LiveJob] = {}
        self._waiting: dict[int, LiveJob] = {}
        self._running: tuple[LiveJob, ...] = ()
        self._order: list[Waiting] | None = None
        self._served: dict[str, int] = {}
        self._turns = 0
        self._last_model: str | None = None
        self._closed = False
        self._abandoned = False

    @property
    def waiting(self) -> int:
        """How many jobs wait; running ones are not counted."""
        return len(self._waiting)

    @property
    def full(self) -> bool:
        """Whether the next job would be refused for want of room."""
        return len(self._waiting) >= self._max_waiting

    @property
    def oldest(self) -> Job | None:
        """The waiting job that was accepted first."""
        with self.changed:
            return self._waiting[min(self._waiting)].job if self._waiting else None

    @property
    def closed(self) -> bool:
        """Whether no more jobs are taken in."""
        return self._closed

    @property
    def abandoned(self) -> bool:
        """Whether what is drawn now is to stop before its next step."""
        return self._abandoned

    @property
    def running(self) -> tuple[LiveJob, ...]:
        """The jobs that are drawn now."""
        return self._running

    def get(self, key: JobKey) -> LiveJob | None:
        """The job of this key, while it is not finished."""
        return self._live.get(key)

    def of(self, caller: str) -> list[LiveJob]:
        """The jobs of this caller that are not finished, the oldest first."""
        with self.changed:
            mine = [live for key, live in self._live.items() if key.caller == caller]
        return sorted(mine, key=lambda live: live.job.sequence)

    @property
    def begun(self) -> tuple[LiveJob, ...]:
        """The jobs whose drawing was begun and whose end is not known, those being kept too."""
        with self.changed:
            live = {*self._live.values(), *self._running}
        return tuple(each for each in live if each.job.status is JobStatus.RUNNING)

    def waiting_of(self, caller: str) -> int:
        """How many jobs of this caller wait."""
        with self.changed:
            return sum(live.job.caller == caller for live in self._waiting.values())

    def full_for(self, caller: str) -> bool:
        """Whether as many jobs of this caller wait as one caller's may."""
        with self.changed:
            most = self._max_of_caller
            if most is None:
                most = fair_places(self._max_waiting, self._max_waiting - len(self._waiting))
            return self.waiting_of(caller) >= most

    def put(self, job: Job) -> LiveJob:
        """Let a job wait, also past the bound: that is for its caller to keep.

        It takes the place of one of the same key that is being cancelled.

        Raises ShuttingDown once the queue was abandoned.
        """
        with self.changed:
            if self._abandoned:
                raise ShuttingDown
            live = LiveJob(job, arrived=self._turns)
            live.changed("queued")
            self._live[job.key] = live
            self._waiting[job.sequence] = live
            self._reordered()
        return live

    def take(
        self,
        *,
        limit: Callable[[BatchKey], int],
        may_draw: Callable[[str], bool],
        company: float,
    ) -> tuple[LiveJob, ...] | None:
        """Wait for jobs to draw together; None when none will come. They count as running then.

        Args:
            limit: How many images of a shape are drawn together at most.
            may_draw: Whether a job with this model may be drawn now.
            company: Seconds that a batch with room left waits for more, when nothing else waits.
        """
        with self.changed:
            batch = self._wait_for_batch(limit, may_draw, company)
            if batch is None:
                return None
            self._turns += 1
            for live in batch:
                del self._waiting[live.job.sequence]
                self._served.pop(live.job.caller, None)
                self._served[live.job.caller] = self._turns
            while len(self._served) > _REMEMBERED_CALLERS:
                del self._served[next(iter(self._served))]
            self._last_model = batch[0].job.request.model_id
            self._running = batch
            self._reordered()
            return batch

    def started(self, live: LiveJob, progress: Progress, *, now: float, at: float) -> Job:
        """Note that a job that was taken is being drawn.

        Args:
            live: The job.
            progress: Of its drawing.
            now: Seconds since 1970, which are kept with the job.
            at: Seconds of a clock that never jumps.
        """
        with self.changed:
            live.job = live.job.started(now)
            live.moved_at = at
            self._report(live, progress, None)
            return live.job

    def report(
        self, live: LiveJob, progress: Progress, preview: bytes | None, *, at: float
    ) -> None:
        """Tell those who listen how far a job is."""
        with self.changed:
            live.moved_at = at
            self._report(live, progress, preview)

    def withdraw(self, live: LiveJob) -> bool:
        """Take out a job that waits; False when it does not."""
        with self.changed:
            if self._waiting.pop(live.job.sequence, None) is None:
                return False
            self._reordered()
            return True

    def restore(self, live: LiveJob) -> None:
        """Let a job that was withdrawn wait again, in its old place."""
        with self.changed:
            self._waiting[live.job.sequence] = live
            self._reordered()

    def stop(self, live: LiveJob) -> None:
        """Let a job that is drawn end before its next step, unless it is settled."""
        with self.changed:
            live.cancelling = not live.settled

    def settle(self, live: LiveJob) -> bool:
        """Let nobody stop a job any more, as it is drawn; False when somebody has."""
        with self.changed:
            live.settled = not live.cancelling
            return live.settled

    def finish(self, live: LiveJob, job: Job, outcome: GenerationResult | Exception) -> None:
        """Let go of a job, and tell all who wait for it or listen."""
        with self.changed:
            live.job = job
            if self._live.get(job.key) is live:  # and not one that was sent after its cancel
                del self._live[job.key]
            self._running = tuple(each for each in self._running if each is not live)
            live.changed("done")
            self.changed.notify_all()
        self._observer.job_ended(job)
        live.conclude(outcome)

    def view(self, live: LiveJob) -> JobView:
        """The job as it is now."""
        with self.changed:
            if live.job.status is not JobStatus.QUEUED:
                return JobView(live.job, progress=live.progress)
            return JobView.at_rest(live.job, self._position(live))

    def ahead_of(self, caller: str) -> list[LiveJob]:
        """The waiting jobs that go before a new one of this caller."""
        with self.changed:
            mine = max(self._waiting, default=0) + 1
            shape = BatchKey("", 0, 0, 0, 0.0)
            new = Waiting(caller, mine, self._turns, shape, 1)
            order = drawing_order([*self._places(), new], self._served)
            ahead = order[: order.index(new)]
            return [self._waiting[job.number] for job in ahead]

    def close(self) -> None:
        """Take in no more; what waits is still drawn."""
        with self.changed:
            self._closed = True
            self.changed.notify_all()

    def abandon(self) -> None:
        """Draw no more. All who wait are told that the service stops, and all streams end."""
        with self.changed:
            self._closed = self._abandoned = True
            left = {*self._live.values(), *self._running}
            self._waiting.clear()
            self.changed.notify_all()
        for live in left:
            live.conclude(ShuttingDown())

    def _wait_for_batch(
        self,
        limit: Callable[[BatchKey], int],
        may_draw: Callable[[str], bool],
        company: float,
    ) -> tuple[LiveJob, ...] | None:
        until: float | None = None
        while not self._abandoned:
            order = [job for job in self._ordered() if may_draw(job.batch_key.model_id)]
            if not order:
                if self._closed:
                    return None
                self.changed.wait(_LOOK_AGAIN_SECONDS if self._waiting else None)
                continue
            batch = next_batch(order, last_model=self._last_model, limit=limit)
            room = limit(batch.jobs[0].batch_key) - sum(job.images for job in batch.jobs)
            if company > 0 and room > 0 and len(batch.jobs) == len(order) and not self._closed:
                until = time.monotonic() + company if until is None else until
                if (seconds := until - time.monotonic()) > 0:
                    self.changed.wait(seconds)
                    continue
            if batch.passed is not None:
                self._waiting[batch.passed.number].passes += 1
            return tuple(self._waiting[job.number] for job in batch.jobs)
        return None

    def _ordered(self) -> list[Waiting]:
        if self._order is None:
            self._order = drawing_order(self._places(), self._served)
        return self._order

    def _places(self) -> list[Waiting]:
        # So many turns are enough for those that wait, and no newcomers keep one waiting for ever.
        since = self._turns - self._max_waiting
        return [
            live.place(goes_last=live.may_be_deadly and live.arrived > since)
            for live in self._waiting.values()
        ]

    def _reordered(self) -> None:
        self._order = None
        for live in self._waiting.values():
            if live.listeners:
                live.changed("queued")
        self.changed.notify_all()

    def _position(self, live: LiveJob) -> int | None:
        numbers = [job.number for job in self._ordered()]
        number = live.job.sequence
        return numbers.index(number) + 1 if number in numbers else None

    def _report(self, live: LiveJob, progress: Progress, preview: bytes | None) -> None:
        live.progress = progress
        live.changed("progress")
        if preview is not None:
            live.preview = preview
            live.changed("preview")
        self.changed.notify_all()
