"""How much there is to do."""

from dataclasses import dataclass

from application.jobs.estimates import DrawingTimes
from application.jobs.queue import JobQueue

__all__ = ["QueueLoad", "seconds_running"]

_UNKNOWN_SECONDS = 5.0
"""What a job is taken to last before one was drawn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueLoad:
    """What waits and what is drawn, at one moment.

    Attributes:
        waiting: Jobs that wait.
        oldest_seconds: Since the one of them that waits longest was accepted; 0 when none waits.
        running: Jobs that are drawn.
        steps_per_second: Of the drawing; 0 when nothing is drawn, or no two steps are done yet.
    """

    waiting: int
    oldest_seconds: float
    running: int
    steps_per_second: float

    @classmethod
    def of(cls, queue: JobQueue, now: float) -> "QueueLoad":
        """The load of a queue; `now` is in seconds since 1970."""
        with queue.changed:
            oldest, running = queue.oldest, queue.running
            rates = [live.progress.rate or 0.0 for live in running if live.progress is not None]
            return cls(
                waiting=queue.waiting,
                oldest_seconds=0.0 if oldest is None else max(0.0, now - oldest.created_at),
                running=len(running),
                steps_per_second=max(rates, default=0.0),
            )


def seconds_running(
    queue: JobQueue, times: DrawingTimes, *, unknown: float = _UNKNOWN_SECONDS
) -> float:
    """How long what is drawn now will still take; `unknown` for what nothing is known of."""
    left = []
    for live in queue.running:
        progress, predicted = live.progress, times.predict(live.job.request)
        if progress is not None and progress.seconds_left is not None:
            left.append(progress.seconds_left)
        else:
            left.append(unknown if predicted is None else predicted)
    return max(left, default=0.0)
