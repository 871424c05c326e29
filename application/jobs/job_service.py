"""Jobs from the request to the pictures: accepted, found, followed, cancelled, forgotten."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType

from application.job import Job, JobKey, JobPage, JobStatus, JobView
from application.jobs.acceptance import Acceptance, Submitted
from application.jobs.live_job import LiveJob, Submission
from application.jobs.queue import JobQueue
from application.jobs.records import JobRecords
from application.jobs.timing import DrawingTimes, Forecast, QueueLoad
from application.jobs.watching import JobWatch
from application.jobs.worker import DeviceWorker
from application.picture_links import LinkedPicture
from application.ports.job_observer import JobObserver, NoJobObserver
from domain.errors import (
    JobCancelled,
    JobNotFound,
    JobRunning,
    PicturesLost,
    ShuttingDown,
    StorageUnavailable,
)
from domain.generation.any_request import AnyRequest
from domain.services.generate_images import GenerateImages

__all__ = ["JobService"]

_NO_NAMES: Mapping[str, str] = MappingProxyType({})

_log = logging.getLogger(__name__)


class JobService:
    """A bounded queue in front of the devices. What it accepts is stored until it is drawn.

    Any thread may call any method, with three exceptions. `run_once` and `run_forever` are for one
    thread. `recover` is called before anything is drawn.

    Args:
        generate_images: Draws, one for each device. All of them know the same models.
        records: Stores jobs and pictures.
        max_queue: How many jobs may wait.
        max_queue_per_caller: How many jobs of one caller may wait; None for no such limit.
        batch_window: As in `DeviceWorker`.
        observer: Called for steps, batches and ends of jobs.
        clock: Seconds of a clock that never jumps.
        now: Seconds since 1970.

    Attributes:
        workers: One for each device. Each draws on a thread of its own.
    """

    def __init__(
        self,
        generate_images: Sequence[GenerateImages],
        records: JobRecords,
        *,
        max_queue: int,
        max_queue_per_caller: int | None = None,
        batch_window: float | None = None,
        observer: JobObserver | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        observer = observer or NoJobObserver()
        self._records = records
        self._read_ahead = generate_images[0].read_ahead
        self._clock = clock
        self._now = now
        self._queue = JobQueue(
            max_waiting=max_queue, max_of_caller=max_queue_per_caller, observer=observer
        )
        times = DrawingTimes()
        self._acceptance = Acceptance(
            self._queue,
            records,
            Forecast(times, self._queue),
            admit=generate_images[0].admit,
            observer=observer,
            now=now,
        )
        self.workers = tuple(
            DeviceWorker(
                f"device-{number}",
                self._queue,
                each,
                records,
                times=times,
                observer=observer,
                batch_window=batch_window,
                clock=clock,
                now=now,
            )
            for number, each in enumerate(generate_images)
        )

    @property
    def waiting(self) -> int:
        """How many jobs wait; running ones are not counted."""
        return self._queue.waiting

    @property
    def full(self) -> bool:
        """Whether there is no room for another job."""
        return self._queue.full

    @property
    def load(self) -> QueueLoad:
        """The waiting jobs, and the running jobs of all workers."""
        return self._queue.load(self._now())

    @property
    def draining(self) -> bool:
        """Whether new jobs are refused because the service stops."""
        return self._queue.closed

    def submit(
        self,
        request: AnyRequest,
        *,
        caller: str,
        within: float | None = None,
        model_name: str | None = None,
        other_names: Mapping[str, str] = _NO_NAMES,
    ) -> Submission:
        """Accept a request, join the job that draws it already, or find its result.

        The id is the caller's idempotency key: the same request again is the same job. If the
        pictures of that job are lost, it is drawn again with its seed.

        Args:
            request: What to draw.
            caller: The owner of the job.
            within: Refuse a job that will probably take more seconds.
            model_name: The name that the caller gave the model, which is stored with the job.
            other_names: The names of the other models, by field, which are stored too.

        Raises:
            IdConflict: Another request has this id, and its job is unfinished or has succeeded.
            ModelNotFound: No model has its `model_id`, or the id of a model beside it.
            ModelNotLoadable: No picture can be drawn with that model.
            AddonMismatch: A model beside the checkpoint cannot be used with it.
            QueueFull: The queue has no room for this caller, or for any caller.
            DeadlineUnmet: The job would not be done in time.
            ShuttingDown: The service stops.
            StorageUnavailable: The job could not be stored. Nothing has begun.
        """
        wanted = Submitted(
            request=request,
            caller=caller,
            within=within,
            model_name=model_name,
            other_names=other_names,
        )
        lost: Job | None = None
        self._read_ahead(request)
        while True:
            with self._acceptance.lock.held():
                found = self._acceptance.join_or_accept(wanted, lost=lost)
            if isinstance(found, LiveJob):
                return Submission(partial(self._queue.view, found), found.outcome.result)
            try:  # without the lock, so that other jobs are accepted meanwhile
                return self._finished_submission(found)
            except PicturesLost as error:
                _log.warning("the pictures are drawn again: %s", error)
                lost = found

    def check(self, request: AnyRequest, *, caller: str, within: float | None = None) -> None:
        """Raise the error that refuses a new job of this request. Nothing is kept.

        A request of a known job passes. An API checks a request that brings pictures before it
        keeps them, so that no picture of a refused request is kept.

        Raises: as `submit`.
        """
        self._read_ahead(request)
        with self._acceptance.lock.held():
            self._acceptance.check(Submitted(request=request, caller=caller, within=within))

    def find(self, caller: str, job_id: str) -> JobView:
        """Return a job of this caller. Raises JobNotFound and StorageUnavailable."""
        key = JobKey(caller, job_id)
        if live := self._queue.get(key):
            return self._queue.view(live)
        if (job := self._records.find(key)) is None:
            raise JobNotFound(job_id)
        return JobView.at_rest(job)

    def page(
        self, caller: str, *, status: JobStatus | None, before: int | None, limit: int
    ) -> JobPage:
        """Return jobs of this caller, newest first. Raises StorageUnavailable."""
        rows = self._records.page(caller, status=status, before=before, limit=limit + 1)
        views = []
        for job in rows[:limit]:
            live = self._queue.get(job.key)
            view = self._queue.view(live) if live else JobView.at_rest(job)
            if status in (None, view.job.status):  # the store may have an older status
                views.append(view)
        return JobPage(tuple(views), rows[limit - 1].sequence if len(rows) > limit else None)

    def unfinished(self, caller: str) -> tuple[JobView, ...]:
        """Return the waiting and the running jobs of this caller, the oldest first."""
        return self._queue.of(caller)

    def preview(self, caller: str, job_id: str) -> bytes | None:
        """Return a JPEG of the work so far; None if there is none.

        Each call has further previews made for a while.
        """
        return self._queue.preview(JobKey(caller, job_id), at=self._clock())

    def image(self, caller: str, job_id: str, number: int) -> bytes:
        """Return the file of a finished picture.

        Raises JobNotFound, ImageNotFound, PicturesLost and StorageUnavailable.
        """
        return self._records.image(self.find(caller, job_id).job, number)

    def image_of(self, job: Job, number: int) -> bytes:
        """As `image`, for a job that was found before. Raises PicturesLost if it was forgotten."""
        return self._records.image(job, number)

    def linked_image(self, picture: LinkedPicture) -> bytes:
        """Return the file that a link leads to. Raises ImageNotFound and StorageUnavailable."""
        return self._records.linked_image(picture)

    def cancel(self, caller: str, job_id: str) -> JobView:
        """End a waiting job, or stop a running job before its next step.

        Raises JobNotFound, StorageUnavailable, and ShuttingDown if the next process draws it.
        """
        with self._acceptance.lock.held():
            live, job = self._look_up(caller, job_id)
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
        """Remove a finished job and its pictures, for good.

        Raises JobNotFound, JobRunning if it has not ended, StorageUnavailable, and ShuttingDown if
        the next process draws it.
        """
        with self._acceptance.lock.held():
            live, job = self._look_up(caller, job_id)
            if live is not None:
                raise JobRunning(job_id, live.job.status.value)
            self._records.forget(job)

    def watch(
        self,
        caller: str,
        job_id: str,
        *,
        after: str | None = None,
        previews: bool = True,
        partials: int = 0,
    ) -> JobWatch:
        """Follow a job, as `JobWatch` says.

        Raises JobNotFound, StorageUnavailable, and ShuttingDown if the next process draws it.
        """
        with self._acceptance.lock.held():
            live, job = self._look_up(caller, job_id)
        view = self._queue.view(live) if live else JobView.at_rest(job)
        return JobWatch(self._queue, live, view, after=after, previews=previews, partials=partials)

    def recover(self) -> None:
        """Requeue all jobs that an earlier process accepted and did not finish.

        Raises StorageUnavailable, and StorageInUse while another process draws them.
        """
        self._records.claim()
        self._records.sweep()
        left = self._records.unfinished()
        for job in left:
            with self._acceptance.lock.held():
                self._acceptance.look_up(job.key, patiently=True)
        self._records.earlier_crash.settle()
        if left:
            _log.info("%d accepted jobs of an earlier run are drawn now", len(left))

    def run_forever(self) -> None:
        """As `DeviceWorker.run_forever` of the first worker, for a host with one device."""
        self.workers[0].run_forever()

    def run_once(self) -> bool:
        """As `DeviceWorker.run_once` of the first worker, for a host with one device."""
        return self.workers[0].run_once()

    def drain(self) -> None:
        """Refuse new jobs. Queued jobs are still drawn."""
        self._queue.close()

    def abandon(self) -> None:
        """Refuse new jobs and answer waiting callers. The next process draws what is unfinished."""
        self._queue.abandon()

    def requeue_running(self) -> None:
        """As `DeviceWorker.requeue_running` of each worker: the service was told to stop."""
        for worker in self.workers:
            worker.requeue_running()
        self._records.crashes.end()

    def _look_up(self, caller: str, job_id: str) -> tuple[LiveJob | None, Job]:
        """As `Acceptance.look_up`. Raises JobNotFound too."""
        live, job = self._acceptance.look_up(JobKey(caller, job_id))
        if job is None:
            raise JobNotFound(job_id)
        return live, job

    def _finished_submission(self, job: Job) -> Submission:
        result = self._records.result(job)
        return Submission(lambda: JobView.at_rest(job), lambda _timeout: result)
