"""Draws what the queue gives out: for the one thread that owns the device."""

import dataclasses
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

from application.job import Progress
from application.jobs.batching import BatchLimits
from application.jobs.estimates import DrawingTimes
from application.jobs.live_job import LiveJob
from application.jobs.outcomes import failure_of, forget_frames, log_drawn, log_failure
from application.jobs.queue import JobQueue
from application.jobs.records import JobRecords
from application.jobs.step_reports import Interrupted, StepReports
from application.ports.job_observer import JobObserver
from domain.errors import (
    DeviceLost,
    DomainError,
    GenerationFailed,
    JobCancelled,
    OutOfMemory,
    StorageUnavailable,
)
from domain.generation.request import BatchKey, GenerationResult
from domain.services.generate_images import DrawnRequest, GenerateImages

__all__ = ["DeviceWorker"]

_BATCH_WAIT_SECONDS = 0.005
"""How long a device that draws batches waits for more, where nothing else is said."""

_STANDS_STILL_SECONDS = 300.0
"""Without a step, from where on a job is taken for one that hangs."""
_LOAD_STANDS_STILL_SECONDS = 10.0
"""The same for a job whose model is being loaded, without a sign of life of the load."""

Finish = Callable[[Sequence[Callable[[], None]]], None]
"""Is given what is to be done with the jobs that were drawn, a task for each, and does it."""

_log = logging.getLogger(__name__)


def _at_once(tasks: Sequence[Callable[[], None]]) -> None:
    for task in tasks:
        task()


class DeviceWorker:
    """Takes jobs from the queue, draws them, keeps what came out and tells who waits."""

    def __init__(
        self,
        queue: JobQueue,
        generate_images: GenerateImages,
        records: JobRecords,
        *,
        times: DrawingTimes,
        observer: JobObserver,
        batch_wait: float | None,
        clock: Callable[[], float],
        now: Callable[[], float],
    ) -> None:
        self.queue = queue
        self.clock = clock
        self.observer = observer
        self._generate_images = generate_images
        self._records = records
        self._times = times
        self._batch_wait = batch_wait
        self.now = now
        self._limits = BatchLimits(largest=1)

    def run_forever(self) -> None:
        """Draw until there is nothing and nothing will come.

        What was drawn is encoded and kept by another thread, while the device draws on; of no
        more than one batch, so that finished pictures do not heap up.
        """
        with ThreadPoolExecutor(
            max_workers=1,
            thread_name_prefix="finish",
            initializer=self._records.crashes.include_this_thread,
        ) as thread:
            last: list[Future[None]] = []

            def finish(tasks: Sequence[Callable[[], None]]) -> None:
                for each in last:
                    each.result()
                if self.queue.abandoned:  # a process that ends may start no thread any more
                    _at_once(tasks)
                else:
                    last[:] = [thread.submit(task) for task in tasks]

            while self.run_once(finish):
                pass
            finish(())

    def run_once(self, finish: Finish = _at_once) -> bool:
        """Wait for jobs and draw them; False when there are none and none will come.

        Args:
            finish: Does at once, or later, what is to be done with them once they are drawn.

        Raises DeviceLost when no more can be drawn; what was being drawn has failed then.
        """
        self._limits.largest = self._generate_images.largest_batch
        batch = self.queue.take(
            limit=self._limit,
            may_draw=lambda model_id: not self._generate_images.awaits(model_id),
            company=self._company(),
        )
        if batch is None:
            return False
        if self.queue.abandoned:
            return True
        is_suspect = any(live.may_be_deadly for live in batch)
        if is_suspect:
            finish(())  # what was drawn before, so that a crash is this one's alone
        for live in batch:
            request = live.job.request
            job = self.queue.started(
                live, Progress(0, request.num_inference_steps), now=self.now(), at=self.clock()
            )
            try:
                self._records.update(job)
            except StorageUnavailable:
                # It was kept when it was accepted; that it has begun is no loss.
                _log.warning("the start of job %a could not be kept", request.id)
        self._draw(batch, finish)
        if is_suspect:
            finish(())
        return True

    def put_back(self) -> None:
        """Let what is still drawn wait for the next process, as if it had never been begun.

        For any thread, once the queue is abandoned: that the service stops is not the jobs' doing.
        One that stands still may be why, and its attempt counts, as that of a load does which does
        not stop when it is told to. What is drawn to its end all the same is kept. Raises nothing.
        """
        heartbeat = self._generate_images.heartbeat
        hangs = heartbeat.loading and heartbeat.still_for >= _LOAD_STANDS_STILL_SECONDS
        for live in self.queue.begun:
            if live.cancelling:
                self._records.end(live.job.cancelled(self.now(), live.progress))
            elif self.clock() - live.moved_at < _STANDS_STILL_SECONDS and not hangs:
                try:
                    self._records.update(live.job.requeued())
                except StorageUnavailable:
                    _log.warning("job %a could not be put back", live.job.request.id)

    def give_up(self, error: DomainError) -> None:
        """Let what is still drawn fail, so that it does not end the next process too.

        For any thread, when this process ends because of it. Raises nothing.
        """
        for live in self.queue.begun:
            if live.settled:  # it is drawn, and being kept by another thread
                continue
            try:
                self._fail(live, error)
            except BaseException:  # it may be the store that ends the process
                _log.exception("what became of job %a could not be told", live.job.request.id)

    def _company(self) -> float:
        if self._batch_wait is not None:
            return self._batch_wait
        return 0.0 if self._generate_images.largest_batch == 1 else _BATCH_WAIT_SECONDS

    def _limit(self, key: BatchKey) -> int:
        return min(self._limits.get(key), self._generate_images.largest_batch_of(key.model_id))

    def wanted(self, jobs: Sequence[LiveJob]) -> list[LiveJob]:
        """Those that are still to be drawn; ends those that were cancelled meanwhile."""
        if self.queue.abandoned:
            return []
        return [live for live in jobs if not self._ended(live)]

    def _ended(self, live: LiveJob) -> bool:
        """Whether a job is finished; ends it where it was cancelled meanwhile."""
        if live.cancelling and not live.job.status.finished:
            job = live.job.cancelled(self.now(), live.progress)
            self._records.end(job)
            self.queue.finish(live, job, JobCancelled(job.request.id))
        return live.job.status.finished

    def _draw(self, batch: Sequence[LiveJob], finish: Finish) -> None:
        batch = self.wanted(batch)
        if not batch:
            return
        key, images = batch[0].job.request.batch_key, _images(batch)
        at_once = min(self._limit(key), images)
        try:
            drawn = self._generate_images.batch(
                [live.job.request for live in batch],
                at_once=at_once,
                on_step=StepReports(
                    batch, self.queue, self.observer, wanted=self.wanted, clock=self.clock
                ),
                on_load=partial(self._loading, batch),
            )
        except OutOfMemory as error:
            if at_once == 1:
                self._fail_or_part(batch, error, finish)
                return
            _log.info("%d images at once do not fit: %s", at_once, error)
            self._limits.failed(key, at_once)
            for live in batch:
                self._draw([live], finish)
        except DeviceLost as error:
            for live in batch:
                self._fail(live, error)
            raise
        except Interrupted:
            _log.info("stopped before the next step: %s", [live.job.request.id for live in batch])
        except Exception as error:
            self._fail_or_part(batch, error, finish)
        else:
            self._limits.succeeded(key, at_once)
            self.observer.batch_drawn(at_once)
            finish(
                [
                    partial(self._finish, live, one, images)
                    for live, one in zip(batch, drawn, strict=True)
                ]
            )

    def _loading(self, batch: Sequence[LiveJob], _loaded: bool) -> None:
        """Stop a load that nobody waits for any more."""
        if not self.wanted(batch):
            raise Interrupted

    def _fail_or_part(self, batch: Sequence[LiveJob], error: Exception, finish: Finish) -> None:
        """Where a batch breaks its members are drawn alone, so that one harms no other.

        What breaks while the process ends is left to the next one, as who waited was told.
        """
        if len(batch) > 1:
            for live in batch:
                self._draw([live], finish)
        elif not self.queue.abandoned:
            self._fail(batch[0], error)

    def _fail(self, live: LiveJob, error: Exception) -> None:
        if not live.job.status.finished:
            log_failure(live.job, error)
            job = live.job.failed(self.now(), failure_of(error), live.progress)
            self._records.end(job)
            forget_frames(error)
            self.queue.finish(live, job, error)

    def _finish(self, live: LiveJob, drawn: DrawnRequest, images: int) -> None:
        """Wait for the pictures of a job that was drawn in a batch of so many, and keep them."""
        try:
            result = drawn()
            self._times.learn(result, images=images)
            self._succeed(live, result)
        except Exception as error:  # else nobody would hear of it before the next batch is drawn
            self._fail(live, error)
        except BaseException as error:  # which would end the device's thread, for one picture
            failure = GenerationFailed(f"encoding or keeping it failed: {type(error).__name__}")
            failure.__cause__ = error
            self._fail(live, failure)

    def _succeed(self, live: LiveJob, result: GenerationResult) -> None:
        if not self.queue.settle(live):
            self._ended(live)
            return
        job = live.job
        waited = max(0.0, (job.started_at or job.created_at) - job.created_at)
        result = dataclasses.replace(
            result, timings=dataclasses.replace(result.timings, queue=waited)
        )
        try:
            done = self._records.succeed(job, result)
        except StorageUnavailable as error:
            self._fail(live, error)
            return
        log_drawn(done, result)
        self.queue.finish(live, done, result)


def _images(batch: Sequence[LiveJob]) -> int:
    return sum(live.job.request.num_images for live in batch)
