"""Jobs from the request to the pictures: accepted, found, followed, cancelled."""

import logging
import secrets
import time
from collections.abc import Callable
from functools import partial

from application.job import Job, JobKey, JobPage, JobStatus, JobView
from application.jobs.estimates import DrawingTimes
from application.jobs.forecast import Forecast
from application.jobs.live_job import LiveJob
from application.jobs.polling import JobGlances
from application.jobs.queue import JobQueue
from application.jobs.queue_load import QueueLoad
from application.jobs.records import JobRecords
from application.jobs.submission import Submission
from application.jobs.submit_lock import Admission
from application.jobs.watching import JobWatch
from application.jobs.worker import DeviceWorker
from application.picture_links import LinkedPicture
from application.ports.job_observer import JobObserver, NoJobObserver
from domain.errors import (
    DeadlineUnmet,
    DomainError,
    JobCancelled,
    JobNotFound,
    JobRunning,
    PicturesLost,
    QueueFull,
    ShuttingDown,
    StorageUnavailable,
)
from domain.generation.request import GenerationRequest
from domain.services.generate_images import GenerateImages

__all__ = ["JobService"]

_log = logging.getLogger(__name__)


class JobService:
    """A bounded queue in front of the one device; what it accepts is kept until it is drawn.

    Any thread may call any method but `run_once`, `run_forever` and `recover`, which are for the
    one that owns the device.
    """

    def __init__(
        self,
        generate_images: GenerateImages,
        records: JobRecords,
        *,
        max_queue: int,
        max_queue_per_caller: int | None = None,
        batch_wait: float | None = None,
        observer: JobObserver | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._generate_images = generate_images
        self._records = records
        self._observer = observer or NoJobObserver()
        self._queue = JobQueue(
            max_waiting=max_queue, max_of_caller=max_queue_per_caller, observer=self._observer
        )
        self._now = now
        times = DrawingTimes()
        self._forecast = Forecast(self._queue, times)
        self._admission = Admission(records.claim)
        self.glances = JobGlances(self._queue, clock)
        self._worker = DeviceWorker(
            self._queue,
            generate_images,
            records,
            times=times,
            observer=self._observer,
            batch_wait=batch_wait,
            clock=clock,
            now=now,
        )

    @property
    def waiting(self) -> int:
        """How many jobs wait; running ones are not counted."""
        return self._queue.waiting

    @property
    def full(self) -> bool:
        """Whether the next job would be refused for want of room."""
        return self._queue.full

    @property
    def load(self) -> QueueLoad:
        """What waits and what is drawn now."""
        return QueueLoad.of(self._queue, self._now())

    @property
    def draining(self) -> bool:
        """Whether new jobs are refused because the service stops."""
        return self._queue.closed

    def submit(
        self,
        request: GenerationRequest,
        *,
        caller: str,
        within: float | None = None,
        model_name: str | None = None,
    ) -> Submission:
        """Accept a request, join the job that draws it already, or find its result.

        The id is the caller's idempotency key: the same request again is the same job. It is
        drawn anew, with its seed, where its pictures are lost.

        Args:
            request: What to draw.
            caller: Whose job it is.
            within: Refuse what will probably take more seconds.
            model_name: The name that the caller gave the model, to be kept with the job.

        Raises:
            IdConflict: the id is that of another request, which is not finished or succeeded.
            ModelNotFound: no model has its `model_id`.
            ModelNotLoadable: no picture can be drawn with that model.
            QueueFull: as many wait as may, of all callers or of this one.
            DeadlineUnmet: it would not be done in time.
            ShuttingDown: the service stops.
            StorageUnavailable: it could not be kept; nothing was begun.
        """
        lost: str | None = None
        while True:
            with self._admission.one_at_a_time():
                found = self._join_or_accept(request, caller, within, model_name, lost)
            if isinstance(found, LiveJob):
                return Submission(partial(self._queue.view, found), found.outcome.result)
            try:  # while others are admitted
                return self._finished_submission(found)
            except PicturesLost as error:
                _log.warning("it is drawn again: %s", error)
                lost = found.token

    def find(self, caller: str, job_id: str) -> JobView:
        """A job of this caller. Raises JobNotFound and StorageUnavailable."""
        key = JobKey(caller, job_id)
        if live := self._queue.get(key):
            return self._queue.view(live)
        if (job := self._records.find(key)) is None:
            raise JobNotFound(job_id)
        return JobView.at_rest(job)

    def page(
        self, caller: str, *, status: JobStatus | None, before: int | None, limit: int
    ) -> JobPage:
        """Jobs of this caller, newest first. Raises StorageUnavailable."""
        rows = self._records.page(caller, status=status, before=before, limit=limit + 1)
        views = []
        for job in rows[:limit]:
            live = self._queue.get(job.key)
            view = self._queue.view(live) if live else JobView.at_rest(job)
            if status in (None, view.job.status):  # the store may not know yet what became of it
                views.append(view)
        return JobPage(tuple(views), rows[limit - 1].sequence if len(rows) > limit else None)

    def image(self, caller: str, job_id: str, number: int) -> bytes:
        """The file of a finished picture.

        Raises JobNotFound, ImageNotFound, PicturesLost and StorageUnavailable.
        """
        return self._records.image(self.find(caller, job_id).job, number)

    def image_of(self, job: Job, number: int) -> bytes:
        """The same of a job that was found before. Raises PicturesLost where it was forgotten."""
        return self._records.image(job, number)

    def linked_image(self, picture: LinkedPicture) -> bytes:
        """The file that a link leads to. Raises ImageNotFound and StorageUnavailable."""
        return self._records.linked_image(picture)

    def cancel(self, caller: str, job_id: str) -> JobView:
        """End a job that waits; let one that is drawn stop before its next step.

        Raises JobNotFound, StorageUnavailable, and ShuttingDown where the next process draws it.
        """
        with self._admission.one_at_a_time():
            live, job = self._look_up(JobKey(caller, job_id))
            if job is None:
                raise JobNotFound(job_id)
            if live is None:
                return JobView.at_rest(job)
            if self._queue.abandoned:
                raise ShuttingDown
            if not self._queue.withdraw(live):
                self._queue.stop(live)
                return self._queue.view(live)
            job = live.job.cancelled(self._now())
            try:
                self._records.update(job)
            except StorageUnavailable:
                self._queue.restore(live)
                raise
            self._queue.finish(live, job, JobCancelled(job_id))
            return JobView.at_rest(job)

    def forget(self, caller: str, job_id: str) -> None:
        """Give up a finished job and its pictures, for good.

        Raises JobNotFound, JobRunning where it has not ended, StorageUnavailable, and ShuttingDown
        where the next process draws it.
        """
        with self._admission.one_at_a_time():
            live, job = self._look_up(JobKey(caller, job_id))
            if job is None:
                raise JobNotFound(job_id)
            if live is not None:
                raise JobRunning(job_id, live.job.status.value)
            self._records.forget(job)

    def watch(
        self, caller: str, job_id: str, *, after: str | None = None, previews: bool = True
    ) -> JobWatch:
        """Follow a job, from the event `after` on, with or without looks at the work so far.

        Raises JobNotFound, StorageUnavailable, and ShuttingDown where the next process draws it.
        """
        with self._admission.one_at_a_time():
            live, job = self._look_up(JobKey(caller, job_id))
        if job is None:
            raise JobNotFound(job_id)
        view = self._queue.view(live) if live else JobView.at_rest(job)
        return JobWatch(self._queue, live, view, after=after, previews=previews)

    def recover(self) -> None:
        """Let all wait again that an earlier process accepted and did not finish.

        Raises StorageUnavailable, and StorageInUse while another process draws them.
        """
        self._records.claim()
        self._records.sweep()
        left = self._records.unfinished()
        for job in left:
            with self._admission.one_at_a_time():
                self._look_up(job.key, patiently=True)
        self._records.earlier_crash.settle()
        if left:
            _log.info("%d accepted jobs of an earlier run are drawn now", len(left))

    def run_forever(self) -> None:
        """Draw what comes until `drain` was called and the queue is empty."""
        self._worker.run_forever()

    def run_once(self) -> bool:
        """Wait for jobs and draw them; False when there are none and none will come."""
        return self._worker.run_once()

    def drain(self) -> None:
        """Take no new job; what is queued is still drawn."""
        self._queue.close()

    def abandon(self) -> None:
        """Take no new job and tell all who wait that the service stops.

        What is not finished is drawn by the next process that calls `recover`.
        """
        self._queue.abandon()

    def put_back(self) -> None:
        """As `DeviceWorker.put_back`: after `abandon`, where the service was told to stop."""
        self._worker.put_back()
        self._records.crashes.end()

    def give_up(self, error: DomainError) -> None:
        """As `DeviceWorker.give_up`: what is drawn fails, as this process ends because of it."""
        self._worker.give_up(error)

    @property
    def still_for(self) -> float:
        """Seconds for which the device's thread has something to do and no sign of life."""
        return self._generate_images.heartbeat.still_for

    def _look_up(self, key: JobKey, patiently: bool = False) -> tuple[LiveJob | None, Job | None]:
        """The job of this key, alive unless it is finished: one that an earlier process left waits
        again from here on, whoever asks first.

        Raises StorageUnavailable, and ShuttingDown where such a job is left to the next process.
        """
        if live := self._queue.get(key):
            return live, live.job
        job = self._records.find(key)
        if job is None or job.status.finished:
            return None, job
        if job.foreign is not None:
            job = job.refused(self._now())
            self._records.update(job, patiently=patiently)
            self._observer.job_ended(job)
            return None, job
        if job.status is JobStatus.RUNNING:
            job = job.left_behind(self._now(), self._records.earlier_crash.cause(job))
            self._records.update(job, patiently=patiently)
            if job.status.finished:
                self._observer.job_ended(job)
                return None, job
        return self._queue.put(job), job

    def _join_or_accept(
        self,
        request: GenerationRequest,
        caller: str,
        within: float | None,
        model_name: str | None,
        lost: str | None,
    ) -> LiveJob | Job:
        """The job of this request: not finished, or succeeded. `lost` is the token of one whose
        pictures are known to be gone.
        """
        live, job = self._look_up(JobKey(caller, request.id))
        if job is None or job.can_be_replaced or (live and live.cancelling):
            return self._accept(request, caller, within, model_name)
        if not job.answers(request):
            raise job.conflict_with(request)
        if job.token == lost:
            return self._accept(job.request, caller, within, job.model_name, job)
        return live or job

    def _accept(
        self,
        request: GenerationRequest,
        caller: str,
        within: float | None,
        model_name: str | None,
        lost: Job | None = None,
    ) -> LiveJob:
        if self._queue.closed:
            raise ShuttingDown
        admitted = self._generate_images.admit(request)
        full = self._queue.full
        if full or self._queue.full_for(caller):
            waiting = self._queue.waiting if full else self._queue.waiting_of(caller)
            wait = max(1, round(self._forecast.seconds_running()))
            raise QueueFull(waiting=waiting, retry_after=wait, of_caller=not full)
        if within is not None:
            predicted = self._forecast.seconds_until_done(admitted, caller)
            if predicted > within:
                raise DeadlineUnmet(within=within, predicted=predicted)
        job = self._records.add(
            Job(
                caller=caller,
                request=admitted,
                seed_drawn=request.seed is None if lost is None else lost.seed_drawn,
                model_name=model_name,
                token=secrets.token_hex(16),
                created_at=self._now(),
            ),
            instead_of=lost,
        )
        return self._queue.put(job)

    def _finished_submission(self, job: Job) -> Submission:
        result = self._records.result(job)
        return Submission(lambda: JobView.at_rest(job), lambda _timeout: result)
