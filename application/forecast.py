"""When what is drawn, and what waits, will be done."""

from application.estimates import DrawingTimes
from application.job_queue import JobQueue
from domain.generation import GenerationRequest

__all__ = ["Forecast"]

_UNKNOWN_SECONDS = 5.0
"""What a job is taken to last before one was drawn."""


class Forecast:
    """Predicts from what drawings took and from what is in the queue. Any thread may ask."""

    def __init__(self, queue: JobQueue, times: DrawingTimes) -> None:
        self._queue = queue
        self._times = times

    def seconds_running(self, unknown: float = _UNKNOWN_SECONDS) -> float:
        """How long what is drawn now will still take; `unknown` counts for what nobody knows."""
        left = []
        for live in self._queue.running:
            progress, predicted = live.progress, self._times.predict(live.job.request)
            if progress is not None and progress.seconds_left is not None:
                left.append(progress.seconds_left)
            else:
                left.append(unknown if predicted is None else predicted)
        return max(left, default=0.0)

    def seconds_until_done(self, request: GenerationRequest, caller: str) -> float:
        """How long a new request of this caller would take, at least: what was never measured
        counts nothing.
        """
        ahead = self._queue.ahead_of(caller)
        seconds = sum(self._times.predict(live.job.request) or 0.0 for live in ahead)
        return self.seconds_running(0.0) + seconds + (self._times.predict(request) or 0.0)
