"""Who draws when: one worker thread owns the device, callers submit and wait."""

import contextlib
import dataclasses
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from dataclasses import dataclass, field

from domain.errors import DomainError, GenerationFailed, QueueFull, ShuttingDown
from domain.generation import GenerationRequest, GenerationResult
from domain.services.generate_images import GenerateImages

__all__ = ["JobScheduler"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Waiting:
    request: GenerationRequest
    caller: str
    since: float
    outcome: "Future[GenerationResult]" = field(default_factory=Future)

    def conclude(self, outcome: GenerationResult | Exception) -> None:
        """Tell whoever waits; nothing when they were told before, by `JobScheduler.abandon`."""
        with contextlib.suppress(InvalidStateError):
            if isinstance(outcome, Exception):
                self.outcome.set_exception(outcome)
            else:
                self.outcome.set_result(outcome)


class JobScheduler:
    """A bounded queue in front of the one device, first come, first served.

    `_changed` guards the queue and the two flags. The worker holds it to take a job, never while
    it draws; a caller holds it to put one in, never while it waits.
    """

    def __init__(
        self,
        generate_images: GenerateImages,
        *,
        max_queue: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._generate_images = generate_images
        self._max_queue = max_queue
        self._clock = clock
        self._changed = threading.Condition()
        self._queue: deque[_Waiting] = deque()
        self._running: _Waiting | None = None
        self._draining = False
        self._seconds_a_job = 5.0

    @property
    def waiting(self) -> int:
        """How many jobs wait; a running one is not counted."""
        return len(self._queue)

    @property
    def full(self) -> bool:
        """Whether the next job would be refused for want of room."""
        return len(self._queue) >= self._max_queue

    @property
    def draining(self) -> bool:
        """Whether new jobs are refused because the service stops."""
        return self._draining

    def submit(self, request: GenerationRequest, *, caller: str) -> "Future[GenerationResult]":
        """Put a request in the queue; the future has its result or the error.

        Cancelling the future of a job that waits takes the job out.

        Raises:
            ModelNotFound: no model has its `model_id`.
            ModelNotLoadable: no picture can be drawn with that model.
            QueueFull: as many wait as may.
            ShuttingDown: the service stops.
        """
        admitted = self._generate_images.admit(request)
        with self._changed:
            if self._draining:
                raise ShuttingDown
            if self.full:
                wait = max(1, round(self._seconds_a_job * len(self._queue)))
                raise QueueFull(waiting=len(self._queue), retry_after=wait)
            job = _Waiting(admitted, caller, self._clock())
            self._queue.append(job)
            self._changed.notify()
        return job.outcome

    def run_forever(self) -> None:
        """Draw what comes until `drain` was called and the queue is empty. For the worker."""
        while self.run_once():
            pass

    def run_once(self) -> bool:
        """Wait for a job and draw it; False when there is none and none will come."""
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._draining)
            if not self._queue:
                return False
            job = self._running = self._queue.popleft()
        if job.outcome.set_running_or_notify_cancel():
            self._draw(job)
        self._running = None
        return True

    def drain(self) -> None:
        """Take no new job; what is queued is still drawn."""
        with self._changed:
            self._draining = True
            self._changed.notify_all()

    def abandon(self) -> None:
        """Take no new job and tell all who wait, for the running one too, that theirs ends here."""
        with self._changed:
            self._draining = True
            left = [*self._queue, *([self._running] if self._running else [])]
            self._queue.clear()
            self._changed.notify_all()
        for job in left:
            job.conclude(ShuttingDown())

    def _draw(self, job: _Waiting) -> None:
        started = self._clock()
        try:
            result = self._generate_images(job.request)
        except DomainError as error:
            why = error if isinstance(error, GenerationFailed) else None
            _log.warning(
                "job failed: id=%a code=%s %s", job.request.id, error.code, error, exc_info=why
            )
            job.conclude(error)
            return
        except Exception as error:
            # Whoever waits for the outcome has the traceback, and logs it.
            _log.error("job failed: id=%a %s", job.request.id, type(error).__name__)
            job.conclude(error)
            return
        seconds = self._clock() - started
        self._seconds_a_job += 0.3 * (seconds - self._seconds_a_job)
        timings = dataclasses.replace(result.timings, queue=started - job.since)
        result = dataclasses.replace(result, timings=timings)
        _log_drawn(job, result)
        job.conclude(result)


def _log_drawn(job: _Waiting, result: GenerationResult) -> None:
    request = result.request
    _log.info(
        "drawn: id=%a caller=%a model=%s steps=%d size=%dx%d images=%d seconds=%.2f queued=%.2f",
        request.id,
        job.caller,
        request.model_id[:10],
        request.num_inference_steps,
        request.width,
        request.height,
        request.num_images,
        result.processing_time,
        result.timings.queue,
    )
    _log.debug("prompt of %a: %a", request.id, request.prompt)
