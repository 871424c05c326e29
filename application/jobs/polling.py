"""Glances at jobs, for those who ask now and then instead of listening."""

from collections.abc import Callable

from application.job import JobKey, JobView
from application.jobs.queue import JobQueue

__all__ = ["JobGlances"]


class JobGlances:
    """What a caller's unfinished jobs look like now. Any thread may call any method."""

    def __init__(self, queue: JobQueue, clock: Callable[[], float]) -> None:
        self._queue = queue
        self._clock = clock

    def unfinished(self, caller: str) -> tuple[JobView, ...]:
        """The jobs of this caller that wait or are drawn, the oldest first."""
        return tuple(self._queue.view(live) for live in self._queue.of(caller))

    def preview(self, caller: str, job_id: str) -> bytes | None:
        """A JPEG of the work so far; None while there is none.

        Previews are made for those who want them: asking has some made for the next seconds.
        """
        live = self._queue.get(JobKey(caller, job_id))
        if live is None:
            return None
        with self._queue.changed:
            live.glanced_at = self._clock()
            return live.preview
