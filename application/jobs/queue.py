"""The queue: the waiting and the running jobs of this process."""

import time
from collections.abc import Callable, Collection
from functools import cache, partial

from application.fairness import fair_places
from application.job import Job, Progress
from application.jobs.live_job import LiveJob, TakenBatch, Workers
from application.jobs.timing import QueueLoad, steps_per_second
from application.jobs.turns import Batch, WaitingLine, next_batch
from application.jobs.watching import JobFeed
from application.ports.job_observer import JobObserver
from domain.errors import ShuttingDown
from domain.generation.any_request import AnyResult
from domain.generation.request import BatchKey

__all__ = ["JobQueue"]

_LOOK_AGAIN_SECONDS = 1.0
"""Seconds until jobs whose model is not listed yet are checked again."""


class JobQueue(JobFeed):
    """A bounded queue that is fair between callers, and from which several workers take jobs.

    `max_of_caller` jobs of one caller may wait. If it is None, `fair_places` decides the number.

    A job that was running when an earlier process died is retried last, in a batch of its own,
    while no worker draws another job. Then a further crash must be the fault of that job.

    Any thread may call any method. The queue has a lock of its own. No thread holds it while it
    draws, stores or waits for pictures.
    """

    def __init__(
        self, *, max_waiting: int, max_of_caller: int | None, observer: JobObserver
    ) -> None:
        super().__init__()
        self._observer = observer
        self._max_waiting = max_waiting
        self._max_of_caller = max_of_caller
        self._line = WaitingLine(max_waiting)
        self._workers = Workers()
        self._closed = False

    @property
    def waiting(self) -> int:
        """How many jobs wait; running ones are not counted."""
        return len(self._line)

    @property
    def full(self) -> bool:
        """Whether there is no room for another job."""
        return len(self._line) >= self._max_waiting

    @property
    def closed(self) -> bool:
        """Whether new jobs are refused."""
        return self._closed

    @property
    def batches(self) -> tuple[tuple[LiveJob, ...], ...]:
        """The batch of each worker; empty for a worker that draws nothing."""
        with self._changed:
            return self._workers.batches

    def load(self, now: float) -> QueueLoad:
        """Return the load of the queue; `now` is in seconds since 1970."""
        with self._changed:
            oldest, batches = self._line.oldest, self._workers.batches
            return QueueLoad(
                waiting=len(self._line),
                oldest_seconds=0.0 if oldest is None else max(0.0, now - oldest.created_at),
                running=sum(map(len, batches)),
                steps_per_second=steps_per_second(batches),
            )

    def running_of(self, worker: str) -> tuple[LiveJob, ...]:
        """The jobs that this worker is drawing or storing."""
        with self._changed:
            return self._workers.running_of(worker)

    def waiting_of(self, caller: str) -> int:
        """How many jobs of this caller wait."""
        with self._changed:
            return sum(live.job.caller == caller for live in self._line)

    def full_for(self, caller: str) -> bool:
        """Whether this caller may not add another job."""
        with self._changed:
            most = self._max_of_caller
            if most is None:
                most = fair_places(self._max_waiting, self._max_waiting - len(self._line))
            return self.waiting_of(caller) >= most

    def put(self, job: Job) -> LiveJob:
        """Add a job. The queue does not check its bound here; `Acceptance` does.

        The job replaces a job with the same key that is being cancelled.

        Raises ShuttingDown once the queue was abandoned.
        """
        with self._changed:
            if self._abandoned:
                raise ShuttingDown
            live = LiveJob(job, arrived=self._line.turns)
            live.note("queued")
            self._live[job.key] = live
            self._line.add(live)
            self._reordered()
        return live

    def join(self, worker: str) -> None:
        """Let a worker of this name take jobs from now on."""
        with self._changed:
            self._workers.join(worker)

    def leave(self, worker: str) -> bool:
        """Let a worker take no more jobs; False if it had left before."""
        with self._changed:
            self._changed.notify_all()
            return self._workers.leave(worker)

    def take(
        self,
        worker: str,
        *,
        warm: Collection[str],
        limit: Callable[[BatchKey], int],
        may_draw: Callable[[str], bool],
        window: float,
    ) -> TakenBatch | None:
        """Wait for jobs to draw together; None if none will come for this worker.

        No other worker gets these jobs. A worker leaves a job whose model it would have to load to
        an idle worker that has the model loaded.

        Args:
            worker: The name of the calling worker.
            warm: The ids of the models that this worker has loaded.
            limit: How many images of a shape this worker draws at once.
            may_draw: Whether a job that needs this model may be drawn now.
            window: The batch window: for how many seconds a batch with room waits for more jobs
                while no other jobs wait.
        """
        with self._changed, self._workers.idle(worker, warm):
            choose = partial(next_batch, warm=warm, limit=cache(limit))
            batch = self._wait_for_batch(worker, choose, may_draw, window)
            if batch is None:
                return None
            jobs = self._line.take(batch)
            self._workers.take(worker, jobs)
            self._reordered()
            return TakenBatch(jobs, batch.limit)

    def put_back(self, worker: str) -> None:
        """Let the jobs wait again that a worker has taken and whose drawing has not begun."""
        with self._changed:
            if not self._abandoned:
                for live in self._workers.put_back(worker):
                    self._line.add(live)
                self._reordered()

    def started(self, live: LiveJob, progress: Progress, *, now: float, at: float) -> Job:
        """Note that the drawing of a job that was taken has begun.

        Args:
            live: The job.
            progress: The progress of its drawing.
            now: Seconds since 1970, which are stored with the job.
            at: Seconds of a clock that never jumps.
        """
        with self._changed:
            live.job = live.job.started(now)
            self._report(live, progress, at)
            return live.job

    def withdraw(self, live: LiveJob) -> bool:
        """Remove a waiting job; False if it does not wait."""
        with self._changed:
            was_waiting = self._line.remove(live)
            if was_waiting:
                self._reordered()
            return was_waiting

    def restore(self, live: LiveJob) -> None:
        """Let a job that was withdrawn wait again, in its old place."""
        with self._changed:
            self._line.add(live)
            self._reordered()

    def stop(self, live: LiveJob) -> None:
        """Stop a running job before its next step, unless it is settled."""
        with self._changed:
            live.cancelling = not live.settled

    def settle(self, live: LiveJob, *, unless_cancelled: bool = False) -> bool:
        """Claim the end of a job; False if another thread has claimed it before.

        A worker that was given up may come back and try to end a job that has failed meanwhile. The
        first thread ends the job. With `unless_cancelled`, a cancel counts as such a claim.
        """
        with self._changed:
            if live.settled or (unless_cancelled and live.cancelling):
                return False
            live.settled = True
            return True

    def finish(self, live: LiveJob, job: Job, outcome: AnyResult | Exception) -> None:
        """Drop a finished job, and pass the outcome to waiting callers and listeners."""
        with self._changed:
            live.job = job
            if self._live.get(job.key) is live:  # not a job that replaced it after its cancel
                del self._live[job.key]
            self._workers.drop(live)
            live.note("done")
            self._changed.notify_all()
        self._observer.job_ended(job)
        live.conclude(outcome)

    def ahead_of(self, caller: str) -> list[LiveJob]:
        """Return the waiting jobs that go before a new job of this caller."""
        with self._changed:
            return self._line.ahead_of(caller)

    def close(self) -> None:
        """Refuse new jobs. Waiting jobs are still drawn."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def abandon(self) -> None:
        """Draw no more jobs. Waiting callers get ShuttingDown, and all event streams end."""
        with self._changed:
            self._closed = self._abandoned = True
            left = {*self._live.values(), *self._workers.taken}
            self._line.clear()
            self._changed.notify_all()
        for live in left:
            live.conclude(ShuttingDown())

    def _wait_for_batch(
        self,
        worker: str,
        choose: Callable[..., Batch | None],
        may_draw: Callable[[str], bool],
        window: float,
    ) -> Batch | None:
        until: float | None = None
        while worker in self._workers and not self._abandoned:
            order = [job for job in self._line.ordered() if all(map(may_draw, job.models))]
            if not order:
                until = None  # another worker took the jobs that the window was for
                if self._closed:
                    return None
                self._changed.wait(_LOOK_AGAIN_SECONDS if self._line else None)
                continue
            if self._workers.are_drawing_solo:
                self._changed.wait()
                continue
            batch = choose(order, is_busy=self._workers.are_busy)
            if batch is None or self._workers.is_warm_elsewhere(batch.model_id, worker):
                self._changed.wait()
                continue
            if window > 0 and batch.room > 0 and len(batch.jobs) == len(order) and not self._closed:
                until = time.monotonic() + window if until is None else until
                if (seconds := until - time.monotonic()) > 0:
                    self._changed.wait(seconds)
                    continue
            return batch
        return None

    def _position(self, live: LiveJob) -> int | None:
        return self._line.position(live)

    def _reordered(self) -> None:
        for live in self._line:
            if live.listeners:
                live.note("queued")
        self._changed.notify_all()
