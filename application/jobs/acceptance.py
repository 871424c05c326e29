"""Accepts requests as jobs. Looking up an id and taking it is one atomic step."""

import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from application.job import Job, JobKey, JobStatus
from application.jobs.live_job import LiveJob
from application.jobs.queue import JobQueue
from application.jobs.records import JobRecords
from application.jobs.timing import Forecast
from application.ports.job_observer import JobObserver
from domain.errors import DeadlineUnmet, QueueFull, ShuttingDown, StorageUnavailable
from domain.generation.any_request import AnyRequest

__all__ = ["Acceptance", "SubmitLock", "Submitted"]

_STUCK_SECONDS = 1.0
"""A store that answers no caller for this long counts as stuck."""


class SubmitLock:
    """A lock whose waiters give up once the store stops answering.

    Many callers at once may keep a slow disk busy for seconds, and that is not a failure. A store
    that does not answer must not hold the threads of all callers.

    Args:
        claim: Called inside the lock, before the block. Its exceptions are raised.
        patience: Seconds that a waiter waits while no caller gets an answer.
    """

    def __init__(self, claim: Callable[[], None], *, patience: float = _STUCK_SECONDS) -> None:
        self._claim = claim
        self._patience = patience
        self._lock = threading.Lock()
        self._answered = 0

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock for the block. Raises StorageUnavailable if the store seems stuck."""
        self._acquire()
        answered = True
        try:
            self._claim()
            yield
        except StorageUnavailable:
            answered = False
            raise
        finally:
            self._answered += answered
            self._lock.release()

    def _acquire(self) -> None:
        seen = self._answered
        while not self._lock.acquire(timeout=self._patience):
            if self._answered == seen:
                raise StorageUnavailable("the job store does not answer")
            seen = self._answered


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """A request of a caller.

    Attributes:
        request: What to draw.
        caller: The owner of the job.
        within: Refuse a job that will probably take more seconds; None for no such bound.
        model_name: The name that the caller gave the model, which is stored with the job.
        other_names: The names of the other models, by field, as a `Job` has them.
    """

    request: AnyRequest
    caller: str
    within: float | None = None
    model_name: str | None = None
    other_names: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> JobKey:
        """The caller and the id, which name the job."""
        return JobKey(self.caller, self.request.id)


class Acceptance:
    """Accepts jobs and looks them up. The caller of any method but `lock` holds the lock.

    Args:
        queue: The jobs of this process that are not finished.
        records: All jobs that are stored.
        forecast: Predicts when a job is done.
        admit: As `GenerateImages.admit`.
        observer: Called for each job of an earlier process that fails here.
        now: Seconds since 1970.

    Attributes:
        lock: Lets one thread at a time accept, cancel or forget a job.
    """

    def __init__(
        self,
        queue: JobQueue,
        records: JobRecords,
        forecast: Forecast,
        *,
        admit: Callable[[AnyRequest], AnyRequest],
        observer: JobObserver,
        now: Callable[[], float],
    ) -> None:
        self.lock = SubmitLock(records.claim)
        self._queue = queue
        self._records = records
        self._forecast = forecast
        self._admit = admit
        self._observer = observer
        self._now = now

    def look_up(self, key: JobKey, *, patiently: bool = False) -> tuple[LiveJob | None, Job | None]:
        """Return the job with this key; the live job is None if the job is finished.

        If an earlier process left the job unfinished, this call lets it wait again.

        Args:
            key: The key of the job.
            patiently: Whether to wait longer for other writers of the store.

        Raises StorageUnavailable, and ShuttingDown if such a job is left to the next process.
        """
        if live := self._queue.get(key):
            return live, live.job
        job = self._records.find(key)
        return (None, None) if job is None else self._revived(job, patiently=patiently)

    def join_or_accept(self, wanted: Submitted, *, lost: Job | None = None) -> LiveJob | Job:
        """Return the job of this request, which is unfinished or has succeeded.

        Args:
            wanted: The request.
            lost: A job of this request whose pictures are lost. It is drawn again with its seed.

        Raises: as `JobService.submit`.
        """
        live = self._queue.get(wanted.key)
        if live is not None and not live.cancelling:
            return _answer(wanted, live, live.job)
        replaced = lost if live is None else live.job
        try:
            new = self._new_job(wanted, lost)
        except Exception:
            # A known job is returned even if new jobs are refused.
            live, job = self.look_up(wanted.key)
            if job is None or job.can_be_replaced or job == replaced:
                raise
            return _answer(wanted, live, job)
        kept = self._records.accept(new, instead_of=replaced)
        if kept.token == new.token:
            return self._queue.put(kept)
        live, job = self._revived(kept)
        if job.can_be_replaced:  # an earlier process left it, and this one failed it
            return self.join_or_accept(wanted)
        return _answer(wanted, live, job)

    def check(self, wanted: Submitted) -> None:
        """Raise the error that refuses a new job of this request. A request of a known job passes.

        Raises: as `JobService.submit`.
        """
        _, job = self.look_up(wanted.key)
        if job is None or job.can_be_replaced:
            self._new_job(wanted, None)

    def _revived(self, job: Job, *, patiently: bool = False) -> tuple[LiveJob | None, Job]:
        """Return a stored job. One that an earlier process left unfinished waits again or fails."""
        if job.status.finished:
            return None, job
        revived = job
        if job.foreign is not None:
            revived = job.refused(self._now())
        elif job.status is JobStatus.RUNNING:
            revived = job.recovered(self._now(), self._records.earlier_crash.cause(job))
        if revived is not job:
            self._records.update(revived, patiently=patiently)
        if revived.status.finished:
            self._observer.job_ended(revived)
            return None, revived
        return self._queue.put(revived), revived

    def _new_job(self, wanted: Submitted, lost: Job | None) -> Job:
        """Return a new job for this request. Raises the error that refuses it."""
        if self._queue.closed:
            raise ShuttingDown
        request = wanted.request if lost is None else lost.request
        admitted = self._admit(request)
        full, caller = self._queue.full, wanted.caller
        if full or self._queue.full_for(caller):
            waiting = self._queue.waiting if full else self._queue.waiting_of(caller)
            wait = max(1, round(self._forecast.seconds_until_free()))
            raise QueueFull(waiting=waiting, retry_after=wait, of_caller=not full)
        if wanted.within is not None:
            predicted = self._forecast.seconds_until_done(admitted, caller)
            if predicted > wanted.within:
                raise DeadlineUnmet(within=wanted.within, predicted=predicted)
        return Job(
            caller=caller,
            request=admitted,
            seed_drawn=request.seed is None if lost is None else lost.seed_drawn,
            model_name=wanted.model_name if lost is None else lost.model_name,
            other_names=dict(wanted.other_names) if lost is None else lost.other_names,
            token=secrets.token_hex(16),
            created_at=self._now(),
        )


def _answer(wanted: Submitted, live: LiveJob | None, job: Job) -> LiveJob | Job:
    """Return the known job. Raises IdConflict if it belongs to another request."""
    if not job.answers(wanted.request):
        raise job.conflict_with(wanted.request)
    return live or job
