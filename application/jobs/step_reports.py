"""Passes the steps of a drawing on to the clients that follow its jobs."""

from collections.abc import Callable, Sequence

from application.job import Progress
from application.jobs.live_job import LiveJob
from application.jobs.watching import JobFeed
from application.ports.job_observer import JobObserver
from domain.ports.image_generator import DrawingWatcher

__all__ = ["Interrupted", "StepReports"]

_PREVIEW_SECONDS = 0.5
"""The least time between two previews of a job."""
_POLLED_SECONDS = 5.0
"""For how long previews are made after a client has asked for one."""


class Interrupted(Exception):
    """No caller wants the drawing any more, or the process ends."""


class StepReports(DrawingWatcher):
    """Passes on the steps of one drawing of some jobs, and stops it once no caller wants it.

    Args:
        jobs: They are drawn together.
        feed: Passes reports to the clients that follow the jobs.
        observer: Called for each step.
        wanted: Returns those of the given jobs that still have to be drawn.
        clock: Seconds since some moment.
    """

    def __init__(
        self,
        jobs: Sequence[LiveJob],
        feed: JobFeed,
        observer: JobObserver,
        *,
        wanted: Callable[[Sequence[LiveJob]], Sequence[LiveJob]],
        clock: Callable[[], float],
    ) -> None:
        self._jobs = jobs
        self._feed = feed
        self._observer = observer
        self._wanted = wanted
        self._clock = clock
        self._first: tuple[int, float] | None = None
        self._shown = -_PREVIEW_SECONDS
        self._last: float | None = None
        self._now = 0.0
        self._following: Sequence[LiveJob] = ()

    def loading(self, loaded: bool) -> None:
        """Called while the model is loaded. Raises Interrupted once no caller wants the drawing."""
        if not self._wanted(self._jobs):
            raise Interrupted

    def step(self, done: int, total: int) -> None:
        """Called after each step. Raises Interrupted once no caller wants the drawing."""
        now = self._now = self._clock()
        if self._last is not None:
            self._observer.step_done(now - self._last)
        self._last = now
        wanted = self._wanted(self._jobs)
        if not wanted:
            raise Interrupted
        progress = self._progress(done, total, now)
        for live in self._jobs:
            if live in wanted:
                self._feed.report(live, progress, at=now)
        may_show = now - self._shown >= _PREVIEW_SECONDS and done < total
        self._following = [
            live
            for live in wanted
            if (may_show and (live.viewers or now - live.polled_at < _POLLED_SECONDS))
            or self._feed.partials_are_due(live, done, total)
        ]

    def wants_preview(self, number: int) -> bool:
        return self._jobs[number] in self._following

    def preview(self, number: int, jpeg: bytes) -> None:
        self._shown = self._now
        self._feed.show(self._jobs[number], jpeg)

    def _progress(self, done: int, total: int, now: float) -> Progress:
        if self._first is None or done < self._first[0]:  # drawn again, with fewer images at once
            self._first = (done, now)
        first, since = self._first
        if done == first or now <= since:
            return Progress(done, total)
        rate = (done - first) / (now - since)
        return Progress(done, total, rate, (total - done) / rate)
