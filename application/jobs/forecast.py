"""When what is drawn, and what waits, will be done."""

from application.jobs.estimates import DrawingTimes
from application.jobs.queue import JobQueue
from application.jobs.queue_load import seconds_running
from domain.generation.request import GenerationRequest

__all__ = ["Forecast"]


class Forecast:
    """Predicts from what drawings took and from what is in the queue. Any thread may ask."""

    def __init__(self, queue: JobQueue, times: DrawingTimes) -> None:
        self._queue = queue
        self._times = times

    def seconds_running(self) -> float:
        """How long what is drawn now will still take."""
        return seconds_running(self._queue, self._times)

    def seconds_until_done(self, request: GenerationRequest, caller: str) -> float:
        """How long a new request of this caller would take, at least: what was never measured
        counts nothing.
        """
        ahead = self._queue.ahead_of(caller)
        seconds = sum(self._times.predict(live.job.request) or 0.0 for live in ahead)
        drawing = seconds_running(self._queue, self._times, unknown=0.0)
        return drawing + seconds + (self._times.predict(request) or 0.0)
