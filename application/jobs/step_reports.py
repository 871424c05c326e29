"""The steps of a drawing, passed on to those who follow its jobs."""

from collections.abc import Callable, Sequence

from application.job import Progress
from application.jobs.live_job import LiveJob
from application.jobs.watching import JobFeed
from application.ports.job_observer import JobObserver
from domain.ports.image_generator import GenerationStep

__all__ = ["Interrupted", "StepReports"]

_PREVIEW_SECONDS = 0.5
"""The least time between two previews of a job."""
_POLLED_SECONDS = 5.0
"""For how long previews are made for a client that has asked for one, and may ask again."""


class Interrupted(Exception):
    """Nobody wants what is being drawn, or the process ends."""


class StepReports:
    """Passes on the steps of one drawing, and stops it when nobody wants it.

    Args:
        jobs: They are drawn together.
        feed: It tells those who follow the jobs.
        observer: It is told of each step.
        wanted: Given some jobs, returns those that are still to be drawn.
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

    def __call__(self, step: GenerationStep) -> None:
        """A step was done. Raises Interrupted when nobody wants the next one."""
        now = self._clock()
        if self._last is not None:
            self._observer.step_done(now - self._last)
        self._last = now
        wanted = self._wanted(self._jobs)
        if not wanted:
            raise Interrupted
        progress = self._progress(step, now)
        show = now - self._shown >= _PREVIEW_SECONDS and step.done < step.total
        for number, live in enumerate(self._jobs):
            if live in wanted:
                has_viewer = live.viewers or now - live.polled_at < _POLLED_SECONDS
                preview = step.preview(number) if show and has_viewer else None
                if preview is not None:
                    self._shown = now
                self._feed.report(live, progress, preview, at=now)

    def _progress(self, step: GenerationStep, now: float) -> Progress:
        if self._first is None:
            self._first = (step.done, now)
        done, since = self._first
        if step.done == done or now <= since:
            return Progress(step.done, step.total)
        rate = (step.done - done) / (now - since)
        return Progress(step.done, step.total, rate, (step.total - step.done) / rate)
