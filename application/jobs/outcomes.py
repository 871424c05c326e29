"""Ends jobs: stores the outcome, passes it to the caller, and logs it."""

import dataclasses
import logging
from collections.abc import Callable

from application.job import Job, JobFailure
from application.jobs.live_job import LiveJob
from application.jobs.queue import JobQueue
from application.jobs.records import JobRecords
from application.jobs.timing import DrawingTimes
from domain.errors import DomainError, GenerationFailed, JobCancelled, OutOfMemory
from domain.generation.any_request import AnyResult
from domain.generation.request import GenerationRequest
from domain.models.record import SHORT_ID

__all__ = ["Endings", "failure_of"]

_log = logging.getLogger(__name__)


class Endings:
    """Ends jobs that were drawn, or could not be. Any thread may call any method.

    If two threads end a job, the first one decides its outcome.

    Args:
        queue: Drops the finished jobs.
        records: Stores the outcomes and the pictures.
        times: Learns the times of the drawings.
        now: Seconds since 1970.
    """

    def __init__(
        self,
        queue: JobQueue,
        records: JobRecords,
        times: DrawingTimes,
        now: Callable[[], float],
    ) -> None:
        self._queue = queue
        self._records = records
        self._times = times
        self._now = now

    def end_if_cancelled(self, live: LiveJob) -> None:
        """End a job that was cancelled while it was drawn. Does nothing to other jobs."""
        if live.cancelling and self._queue.settle(live):
            job = live.job.cancelled(self._now(), live.progress)
            self._records.end(job)
            self._queue.finish(live, job, JobCancelled(job.request.id))

    def fail(self, live: LiveJob, error: Exception) -> None:
        """Fail a job, unless another thread has decided its outcome."""
        if self._queue.settle(live):
            self._end_failed(live, error)

    def _end_failed(self, live: LiveJob, error: Exception) -> None:
        _log_failure(live.job, error)
        job = live.job.failed(self._now(), failure_of(error), live.progress)
        self._records.end(job)
        _forget_frames(error)
        self._queue.finish(live, job, error)

    def finish(self, live: LiveJob, encode: Callable[[], AnyResult], images: int) -> None:
        """Encode and store the pictures of a job that was drawn in a batch of `images`."""
        try:
            result = encode()
            self._times.learn(result, images=images)
        except BaseException as error:  # else the device's thread would end for one picture
            self.fail(live, _as_failure(error))
            return
        if not self._queue.settle(live, unless_cancelled=True):
            self.end_if_cancelled(live)
            return
        try:
            done, result = self._store(live, result)
        except BaseException as error:
            self._end_failed(live, _as_failure(error))
            return
        _log_drawn(done, result)
        self._queue.finish(live, done, result)

    def _store(self, live: LiveJob, result: AnyResult) -> tuple[Job, AnyResult]:
        job = live.job
        waited = max(0.0, (job.started_at or job.created_at) - job.created_at)
        timings = dataclasses.replace(result.timings, queue=waited)
        result = dataclasses.replace(result, timings=timings)
        return self._records.succeed(job, result), result


def failure_of(error: Exception) -> JobFailure:
    """Return the failure that the caller of a job with this error sees."""
    if isinstance(error, DomainError):
        return JobFailure.of(error)
    return JobFailure(
        "internal_error", "an unexpected error; the log has it under the id of the job"
    )


def _as_failure(error: BaseException) -> Exception:
    """Return the error of a job whose encoding or storing raised `error`.

    An error that is not an `Exception`, such as SystemExit, must not end the thread that stores.
    """
    if isinstance(error, Exception):
        return error
    failure = GenerationFailed(f"encoding or storing it failed: {type(error).__name__}")
    failure.__cause__ = error
    return failure


def _forget_frames(error: BaseException) -> None:
    """Drop the tracebacks of an error, because they keep the drawing's objects in memory.

    The error itself is kept for clients that ask for the outcome.
    """
    each: BaseException | None = error
    while each is not None:
        each.__traceback__ = None
        each = each.__cause__ or each.__context__


def _log_failure(job: Job, error: Exception) -> None:
    """Log a failure; with the traceback if the code or a library caused it."""
    if isinstance(error, DomainError):
        why = error if isinstance(error, GenerationFailed | OutOfMemory) else None
        _log.warning(
            "job failed: id=%a code=%s %s", job.request.id, error.code, error, exc_info=why
        )
    else:
        _log.error("job failed: id=%a", job.request.id, exc_info=error)


def _log_drawn(job: Job, result: AnyResult) -> None:
    """Log a job that succeeded. Its prompt is logged at DEBUG only."""
    request = result.request
    _log.info(
        "drawn: id=%a caller=%a model=%s steps=%d size=%dx%d images=%d seconds=%.2f queued=%.2f",
        request.id,
        job.caller,
        request.model_id[:SHORT_ID],
        request.steps,
        result.images[0].width,
        result.images[0].height,
        request.num_images,
        result.processing_time,
        result.timings.queue,
    )
    if isinstance(request, GenerationRequest):
        _log.debug("prompt of %a: %a", request.id, request.prompt)
