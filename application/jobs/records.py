"""Stored jobs: the job store, the pictures, and what could not be stored yet."""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from application.earlier_crash import EarlierCrash
from application.job import Job, JobKey, JobStatus
from application.picture_links import LinkedPicture
from application.pictures import PictureShelf
from application.ports.crash_record import CrashRecord, NoCrashRecord
from application.ports.job_store import JobStore
from application.ports.result_store import ResultStore
from application.ports.sole_use import SoleUse
from domain.errors import (
    ImageNotFound,
    ImageNotReady,
    PicturesLost,
    ShuttingDown,
    StorageInUse,
    StorageUnavailable,
)
from domain.generation.any_request import AnyResult, result_of
from domain.generation.request import GeneratedImage, Timings

__all__ = ["JobRecords"]

_FAILING_SECONDS = 30.0

_log = logging.getLogger(__name__)


class JobRecords:
    """Jobs and their pictures as they are stored. Any thread may call any method.

    The end of a job is known at once, also while the store cannot be written to. Then a later
    `tidy` stores it, or the next process draws the job again. Each method may raise
    StorageUnavailable, unless it says otherwise.

    Args:
        now: Seconds since 1970. Stored times are of this clock, which may be set at any moment.
        clock: Seconds since some moment. It never jumps, so waiting times are of this clock.
        crashes: Notes why a process crashed.
        pictures: The pictures that callers send; None if there are none.

    Attributes:
        crashes: The same.
        earlier_crash: Which job an earlier process crashed with.
    """

    def __init__(
        self,
        jobs: JobStore,
        results: ResultStore,
        sole_use: SoleUse,
        *,
        retention_seconds: float,
        retention_bytes: int,
        now: Callable[[], float],
        clock: Callable[[], float] = time.monotonic,
        crashes: CrashRecord | None = None,
        pictures: PictureShelf | None = None,
    ) -> None:
        self.crashes = crashes or NoCrashRecord()
        self.earlier_crash = EarlierCrash(self.crashes, jobs)
        self._jobs = jobs
        self._results = results
        self._sole_use = sole_use
        self._pictures = pictures
        self._closed = False
        self._retention_seconds = retention_seconds
        self._retention_bytes = retention_bytes
        self._now = now
        self._clock = clock
        self._started_now, self._started_clock = now(), clock()
        self._changing = threading.Lock()
        self._unsaved: dict[JobKey, Job] = {}
        self._replaced: set[str] = set()
        """The tokens of jobs that have not ended and whose ids other jobs have taken."""
        self._failed_at: float | None = None

    @property
    def failing(self) -> bool:
        """Whether the store failed a moment ago, and no job has been stored since.

        After that moment only another attempt can tell.
        """
        failed_at = self._failed_at
        return failed_at is not None and self._clock() - failed_at < _FAILING_SECONDS

    def claim(self) -> None:
        """Let no other process draw these jobs, from the first call to `close`.

        Before a job is accepted, drawn or cancelled. Raises StorageInUse while another process
        draws them, and ShuttingDown after `close`.
        """
        if self._closed:
            raise ShuttingDown
        if not self._sole_use.take():
            raise StorageInUse

    def accept(self, job: Job, *, instead_of: Job | None = None) -> Job:
        """Store a new job, unless a job with its key stays. Return the job that is then stored.

        A job stays unless it failed, was cancelled, or is `instead_of`. The remaining pictures of
        `instead_of` are removed.
        """
        known = self._unsaved.get(job.key)
        if known is not None and instead_of is None:
            if not known.can_be_replaced:
                return known
            instead_of = known
        with self._noticing():
            kept = self._jobs.accept(job, instead_of=instead_of.token if instead_of else None)
        if kept.token == job.token:
            self._failed_at = None
            if instead_of is not None and not instead_of.status.finished:
                with self._changing:
                    self._replaced.add(instead_of.token)
            self._drop_unsaved(job.key)
            if instead_of is not None:
                self._results.remove({instead_of.token})
        return self._newest(kept)

    def update(self, job: Job, *, patiently: bool = False) -> None:
        """Store the new state of a job; `patiently` if no caller waits for it."""
        self._jobs.update(job, patiently=patiently)

    def end(self, job: Job) -> None:
        """Store the end of a job, now or as soon as the store answers. Raises nothing.

        If another job has taken its id meanwhile, nothing is stored.
        """
        with self._changing:
            if job.token in self._replaced:
                self._replaced.remove(job.token)
                return
        try:
            with self._noticing():
                self._jobs.update(job, patiently=True)
        except StorageUnavailable:
            _log.error("the end of job %a could not be stored yet", job.request.id)
            with self._changing:
                self._unsaved[job.key] = job
        else:
            self._drop_unsaved(job.key)  # of an earlier job of that id

    def succeed(self, job: Job, result: AnyResult) -> Job:
        """Store the pictures of a job now, and its success now or as soon as the store answers."""
        with self._noticing():
            self._results.write(job.token, result.images)
        done = job.succeeded(self._now(), result)
        self.end(done)
        return done

    def find(self, key: JobKey) -> Job | None:
        """Return the job with this key; None if there is none."""
        with self._noticing():
            return self._unsaved.get(key) or self._jobs.find(key)

    def page(
        self, caller: str, *, status: JobStatus | None, before: int | None, limit: int
    ) -> Sequence[Job]:
        """As `JobStore.page`."""
        rows = self._jobs.page(caller, status=status, before=before, limit=limit)
        return [self._newest(job) for job in rows]

    def sweep(self) -> None:
        """Remove pictures that belong to no job, before anything is drawn.

        A process that was killed left them. If no job is known, all pictures stay, because their
        jobs may be in another database.
        """
        tokens = self._jobs.tokens()
        self._results.keep_only(tokens)
        if self._pictures is not None:
            self._pictures.sweep(has_jobs=bool(tokens))

    def unfinished(self) -> Sequence[Job]:
        """As `JobStore.unfinished`."""
        return self._jobs.unfinished()

    def image(self, job: Job, number: int) -> bytes:
        """The file of image `number`, counted from 0. Raises ImageNotFound and PicturesLost too."""
        images = job.images or ()
        if not 0 <= number < len(images):
            raise _missing_image(job, number)
        data = self._results.read(job.token, number)
        # A copy of the folder may be incomplete, and a disk may return other bytes.
        if data is None or not images[number].describes(data):
            raise PicturesLost(job.request.id)
        return data

    def linked_image(self, picture: LinkedPicture) -> bytes:
        """The file that a link leads to, if it still has the bytes that the link was made for.

        Raises ImageNotFound too.
        """
        data = self._results.read(picture.token, picture.number)
        if data is None or not picture.describes(data):
            raise ImageNotFound(number=picture.number)
        return data

    def result(self, job: Job) -> AnyResult:
        """The result of a job that succeeded, as it was the first time. Raises PicturesLost too."""
        return result_of(
            job.request,
            images=tuple(
                GeneratedImage(
                    self.image(job, number),
                    image.seed,
                    image.width,
                    image.height,
                    job.request.output_format,
                )
                for number, image in enumerate(job.images or ())
            ),
            processing_time=job.processing_time or 0.0,
            timings=job.timings or Timings(),
            warnings=job.warnings,
        )

    def forget(self, job: Job) -> None:
        """Remove a finished job and its pictures.

        The job is removed first. A process that ends between the two leaves pictures without a job,
        which the next `sweep` removes, and never a job without its pictures.
        """
        with self._noticing():
            if self._pictures is not None:
                self._pictures.forget(job)
            self._jobs.remove(job)
        self._drop_unsaved(job.key)
        self._results.remove({job.token})

    def tidy(self) -> None:
        """Store ends that could not be stored before, and remove what is past its retention."""
        for job in list(self._unsaved.values()):
            self._jobs.update(job, patiently=True)
            self._drop_unsaved(job.key, job)
        now = self._surely_now()
        gone = self._jobs.retire(
            finished_before=now - self._retention_seconds, keep_bytes=self._retention_bytes
        )
        self._results.remove(gone)
        if self._pictures is not None:
            self._pictures.retire(now)

    def close(self) -> None:
        """Close files and connections, so that another process may draw the rest. Raises nothing.

        Called once drawing has ended.
        """
        self._closed = True
        self.crashes.end()
        self._jobs.close()
        self._sole_use.release()

    def _surely_now(self) -> float:
        """Seconds since 1970, without the time by which the clock was set forward in this run.

        A clock that jumps ahead must not remove every job at once.
        """
        return min(self._now(), self._started_now + self._clock() - self._started_clock)

    @contextmanager
    def _noticing(self) -> Iterator[None]:
        try:
            yield
        except StorageUnavailable:
            self._failed_at = self._clock()
            raise

    def _newest(self, job: Job) -> Job:
        """The newest known state of a stored job."""
        unsaved = self._unsaved.get(job.key)
        return unsaved if unsaved is not None and unsaved.token == job.token else job

    def _drop_unsaved(self, key: JobKey, only: Job | None = None) -> None:
        with self._changing:
            if only is None or self._unsaved.get(key) is only:
                self._unsaved.pop(key, None)


def _missing_image(job: Job, number: int) -> ImageNotFound:
    """Return the error for a picture number that a job does not have."""
    if not job.status.finished:
        return ImageNotReady(job.request.id, job.status.value)
    if not job.images:
        return ImageNotFound(job.request.id, number, status=job.status.value)
    return ImageNotFound(job.request.id, number, pictures=len(job.images))
