"""Draws jobs from the queue, on the one thread that owns a device."""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

from application.job import Progress
from application.jobs.batching import BatchPolicy
from application.jobs.live_job import LiveJob
from application.jobs.outcomes import Endings
from application.jobs.queue import JobQueue
from application.jobs.records import JobRecords
from application.jobs.step_reports import Interrupted, StepReports
from application.jobs.timing import DrawingTimes
from application.ports.job_observer import JobObserver
from domain.errors import DeviceLost, DomainError, StorageUnavailable
from domain.services.encode_pictures import ENCODERS, Drawn, Mapper
from domain.services.generate_images import GenerateImages

__all__ = ["DeviceWorker"]

_BATCH_WINDOW_SECONDS = 0.005
"""The default batch window of a device that draws batches."""

_STALLED_SECONDS = 300.0
"""A job without a step for this long may be why the process hangs."""
_LOAD_STALLED_SECONDS = 10.0
"""The same for a job whose model is being loaded, without a sign of life of the load."""

Finish = Callable[[Sequence[Callable[[], None]]], None]
"""Runs one completion task for each job that was drawn, inline or on another thread."""

_log = logging.getLogger(__name__)


def _inline(tasks: Sequence[Callable[[], None]]) -> None:
    for task in tasks:
        task()


class DeviceWorker:
    """Takes jobs from the queue, draws them, stores the results and reports them.

    Several workers may take from one queue, each with a device and a thread of its own.

    Args:
        name: The name of this worker, unique among the workers of the queue.
        queue: Gives out jobs.
        generate_images: Draws on the device of this worker.
        records: Stores jobs and pictures.
        times: Learns how long drawings take.
        observer: Is told of steps and batches.
        batch_window: For how many seconds a batch with room waits for more jobs while no other
            jobs wait. None leaves it to the worker.
        clock: Seconds of a clock that never jumps.
        now: Seconds since 1970.
    """

    def __init__(
        self,
        name: str,
        queue: JobQueue,
        generate_images: GenerateImages,
        records: JobRecords,
        *,
        times: DrawingTimes,
        observer: JobObserver,
        batch_window: float | None,
        clock: Callable[[], float],
        now: Callable[[], float],
    ) -> None:
        self.name = name
        self._queue = queue
        self._generate_images = generate_images
        self._records = records
        self._endings = Endings(queue, records, times, now)
        self._observer = observer
        self._batch_window = batch_window
        self._clock = clock
        self._now = now
        self._policy = BatchPolicy(generate_images.largest_batch_of)
        self._last_model: str | None = None
        self._encode_with: Mapper = map
        queue.join(name)

    def run_forever(self) -> None:
        """Draw until no job waits and none will come, or this worker has left.

        Another thread encodes and stores the pictures while the device goes on drawing. It has one
        batch at a time, so that finished pictures do not pile up.
        """
        # A fault of one of these threads is a fault of the job that it works on.
        begin = self._records.crashes.include_this_thread
        begin()
        with (
            ThreadPoolExecutor(1, "finish", initializer=begin) as thread,
            ThreadPoolExecutor(ENCODERS, "encode", initializer=begin) as encoders,
        ):
            self._encode_with = encoders.map
            last: list[Future[None]] = []

            def finish(tasks: Sequence[Callable[[], None]]) -> None:
                for each in last:
                    each.result()
                if self._queue.abandoned:  # a process that ends cannot start a thread
                    self._encode_with = map
                    _inline(tasks)
                else:
                    last[:] = [thread.submit(task) for task in tasks]

            while self.run_once(finish):
                pass
            finish(())

    def run_once(self, finish: Finish = _inline) -> bool:
        """Wait for jobs and draw them; False when none will come, or this worker has left.

        Args:
            finish: Runs the completion tasks of the jobs that were drawn.

        Raises DeviceLost if this device cannot draw any more. Its running jobs have failed then.
        """
        batch = self._queue.take(
            self.name,
            warm=self._warm_models(),
            limit=self._policy.limit,
            may_draw=lambda model_id: not self._generate_images.may_come(model_id),
            window=self._window(),
        )
        if batch is None:
            return False
        if self._queue.abandoned:
            return True
        self._last_model = batch.jobs[0].job.request.model_id
        try:
            for live in batch.jobs:
                self._start(live)
        except BaseException:
            self._queue.put_back(self.name)  # this thread ends; other workers may draw the rest
            raise
        self._draw(batch.jobs, batch.limit, finish)
        return True

    @property
    def stalled_for(self) -> float:
        """Seconds without a sign of life from the worker's thread while it works."""
        return self._generate_images.heartbeat.still_for

    def leave(self) -> bool:
        """Take no more jobs; False if this worker had left before. Any thread may call it."""
        return self._queue.leave(self.name)

    def requeue_running(self) -> None:
        """Requeue the running jobs for the next process, as if they had never begun.

        Any thread may call it, once the queue is abandoned. The jobs are not the reason why the
        service stops. But a job without progress may be, and so may a job whose load does not stop
        when it is told to; the attempts of these jobs count. A job that is still drawn to its end
        is stored. Raises nothing.
        """
        heartbeat = self._generate_images.heartbeat
        hangs = heartbeat.loading and heartbeat.still_for >= _LOAD_STALLED_SECONDS
        for live in self._queue.running_of(self.name):
            if live.cancelling:
                self._records.end(live.job.cancelled(self._now(), live.progress))
            elif self._clock() - live.moved_at < _STALLED_SECONDS and not hangs:
                try:
                    self._records.update(live.job.requeued())
                except StorageUnavailable:
                    _log.warning("job %a could not be requeued", live.job.request.id)

    def fail_running(self, error: DomainError) -> None:
        """Fail the running jobs, so that they harm no other worker and no later process.

        Any thread may call it, when this worker is lost or the process ends because of it. Jobs
        that are drawn and being stored are left to the thread that stores them. Raises nothing.
        """
        for live in self._queue.running_of(self.name):
            try:
                self._endings.fail(live, error)
            except BaseException:  # the store itself may end the process
                _log.exception("the end of job %a could not be stored", live.job.request.id)

    def _start(self, live: LiveJob) -> None:
        request = live.job.request
        job = self._queue.started(
            live, Progress(0, request.steps), now=self._now(), at=self._clock()
        )
        try:
            self._records.update(job)
        except StorageUnavailable:
            # The job was stored when it was accepted; nothing is lost.
            _log.warning("the start of job %a could not be stored", request.id)

    def _warm_models(self) -> frozenset[str]:
        # A generator need not report its loaded models. The last model is certainly loaded.
        last = () if self._last_model is None else (self._last_model,)
        return self._generate_images.loaded_models.union(last)

    def _window(self) -> float:
        if self._batch_window is not None:
            return self._batch_window
        return 0.0 if self._generate_images.largest_batch == 1 else _BATCH_WINDOW_SECONDS

    def _wanted(self, jobs: Sequence[LiveJob]) -> list[LiveJob]:
        """Return the jobs that still have to be drawn. End those that were cancelled meanwhile."""
        if self._queue.abandoned:
            return []
        for live in jobs:
            self._endings.end_if_cancelled(live)
        return [live for live in jobs if not live.settled]

    def _draw(self, batch: Sequence[LiveJob], limit: int, finish: Finish) -> None:
        """Draw jobs together, at most `limit` images at once."""
        batch = self._wanted(batch)
        if not batch:
            return
        key, images = batch[0].job.request.batch_key, _images(batch)
        at_once = first = min(limit, images)

        def fewer(too_many: int) -> int:
            nonlocal at_once
            _log.info("%d images at once do not fit", too_many)
            at_once = self._policy.failed(key, too_many)
            return at_once

        try:
            drawn = self._generate_images.draw(
                [live.job.request for live in batch],
                at_once=at_once,
                watcher=StepReports(
                    batch, self._queue, self._observer, wanted=self._wanted, clock=self._clock
                ),
                fewer=fewer,
            )
        except DeviceLost as error:
            for live in batch:
                self._endings.fail(live, error)
            raise
        except Interrupted:
            _log.info("stopped before the next step: %s", [live.job.request.id for live in batch])
        except Exception as error:
            self._fail_or_split(batch, error, finish)
        else:
            if at_once == first:  # after a shortage, a success says nothing about larger batches
                self._policy.succeeded(key, at_once)
            self._observer.batch_drawn(at_once)
            finish(
                [
                    partial(self._finish, live, one, images)
                    for live, one in zip(batch, drawn, strict=True)
                ]
            )

    def _finish(self, live: LiveJob, drawn: Drawn, images: int) -> None:
        """Encode and store the pictures of a job that was drawn in a batch of `images`."""
        encode = partial(self._generate_images.finish, drawn, encode_with=self._encode_with)
        self._endings.finish(live, encode, images)

    def _fail_or_split(self, batch: Sequence[LiveJob], error: Exception, finish: Finish) -> None:
        """Draw the jobs of a failed batch one by one, so that one job cannot fail the others.

        If the process ends, the next process draws the jobs again. Waiting callers know this.
        """
        if len(batch) > 1:
            for live in batch:
                self._draw([live], self._policy.limit(live.job.request.batch_key), finish)
        elif not self._queue.abandoned:
            self._endings.fail(batch[0], error)


def _images(batch: Sequence[LiveJob]) -> int:
    return sum(live.job.request.num_images for live in batch)
