"""Follows jobs: clients listen to their events, or poll them."""

import re
import secrets
import threading
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass

from application.job import JobKey, JobStatus, JobView, Progress
from application.jobs.live_job import Change, LiveJob
from application.jobs.partial_pictures import is_partial

__all__ = ["JobEvent", "JobFeed", "JobWatch"]

_RUN = secrets.token_hex(4)
"""Part of each event id: the versions of each process start at one."""
_VERSION = re.compile(r"[0-9]{1,18}")


class JobFeed(ABC):
    """The unfinished jobs, and their events. Any thread may call any method.

    The lock `_changed` guards all of it, and all that a subclass adds. Only this class and its
    subclass take it.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._live: dict[JobKey, LiveJob] = {}
        self._abandoned = False

    @property
    def abandoned(self) -> bool:
        """Whether every drawing must stop before its next step."""
        return self._abandoned

    def get(self, key: JobKey) -> LiveJob | None:
        """Return the job with this key; None if it is finished or unknown."""
        return self._live.get(key)

    def of(self, caller: str) -> tuple[JobView, ...]:
        """Return the unfinished jobs of this caller, the oldest first."""
        with self._changed:
            mine = [live for key, live in self._live.items() if key.caller == caller]
            mine.sort(key=lambda live: live.job.sequence)
            return tuple(map(self._view, mine))

    def view(self, live: LiveJob) -> JobView:
        """The job as it is now."""
        with self._changed:
            return self._view(live)

    def report(self, live: LiveJob, progress: Progress, *, at: float) -> None:
        """Report the progress of a job to its listeners."""
        with self._changed:
            self._report(live, progress, at)

    def show(self, live: LiveJob, preview: bytes) -> None:
        """Pass a preview of a job, a JPEG of its last reported step, to its listeners."""
        with self._changed:
            live.preview = preview
            live.note("preview")
            if live.progress is not None:
                progress = live.progress
                for event in live.partials.add(preview, progress.step, progress.steps):
                    live.note(event)
            self._changed.notify_all()

    def preview(self, key: JobKey, *, at: float) -> bytes | None:
        """Return a JPEG of the work so far; None if there is none. A client asks at time `at`."""
        with self._changed:
            if (live := self._live.get(key)) is None:
                return None
            live.polled_at = at
            return live.preview

    def partials_are_due(self, live: LiveJob, step: int, steps: int) -> bool:
        """Return whether a listener of a job gets a partial picture of this step."""
        with self._changed:
            return live.partials.are_due(step, steps)

    def listen(self, live: LiveJob, *, previews: bool, partials: int) -> None:
        """Count one more listener of a job, with these previews and partial pictures."""
        with self._changed:
            live.listeners += 1
            live.viewers += previews
            live.partials.listen(partials)

    def stop_listening(self, live: LiveJob, *, previews: bool, partials: int) -> None:
        """Count one listener fewer."""
        with self._changed:
            live.listeners -= 1
            live.viewers -= previews
            live.partials.leave(partials)

    def next_change(
        self, live: LiveJob, *, after: int, previews: bool, partials: int, timeout: float
    ) -> Change | None:
        """Wait for the next change of a job after this version, and return it.

        It returns the newest event of each kind, and for a finished job only its partial pictures
        and the end. None after `timeout` seconds, and once the queue is abandoned.
        """
        deadline = time.monotonic() + timeout
        with self._changed:
            while not self._abandoned:
                news = live.news(after, previews=previews, partials=partials)
                if news is not None:
                    version, event = news
                    preview = live.preview if event == "preview" else live.partials.get(event)
                    return Change(version, event, self._view(live), preview)
                if (seconds := deadline - time.monotonic()) <= 0:
                    break
                self._changed.wait(seconds)
            return None

    @abstractmethod
    def _position(self, live: LiveJob) -> int | None:
        """Return 1 for the job that is drawn next; None for a job that does not wait."""

    def _view(self, live: LiveJob) -> JobView:
        if live.job.status is JobStatus.QUEUED:
            return JobView.at_rest(live.job, self._position(live))
        progress = live.progress or JobView.at_rest(live.job).progress
        return JobView(live.job, progress=progress)

    def _report(self, live: LiveJob, progress: Progress, at: float) -> None:
        live.moved_at, live.progress = at, progress
        live.note("progress")
        self._changed.notify_all()


@dataclass(frozen=True, slots=True)
class JobEvent:
    """An event of a job.

    Attributes:
        id: The id to pass as `after` to a later watch.
        name: `queued`, `progress`, `preview`, `partial` or `done`.
        view: The job at the time of the event.
        preview: The JPEG of a `preview` or `partial` event; else None.
    """

    id: str
    name: str
    view: JobView
    preview: bytes | None = None


class JobWatch:
    """Gives the events of a job to one listener.

    A slow listener gets the newest event of each kind, so nothing piles up and no worker waits.

    Args:
        feed: Supplies the changes of `live`.
        live: The job; None if it is finished.
        view: The job as it is now.
        after: The id of the last event that was seen; an unknown id counts as none.
        previews: Whether the listener wants previews. They are made only for such listeners.
        partials: How many previews at even steps the listener wants, as `partial` events.
    """

    def __init__(
        self,
        feed: JobFeed,
        live: LiveJob | None,
        view: JobView,
        *,
        after: str | None,
        previews: bool = True,
        partials: int = 0,
    ) -> None:
        self._feed = feed
        self._previews = previews
        self._partials = partials
        self._live = live
        self._view = view
        self._open = live is not None
        self._position: int | None = None
        token = view.job.token
        run, _, version = (after or "").removeprefix(f"{token}-").partition("-")
        self._done_seen = after == f"{token}-done"
        self._seen = int(version) if run == _RUN and _VERSION.fullmatch(version) else 0
        if live is not None:
            feed.listen(live, previews=previews, partials=partials)

    @property
    def complete(self) -> bool:
        """Whether `done` was given, by this watch or an earlier one. No event follows it."""
        return self._done_seen

    @property
    def ended(self) -> bool:
        """Whether no event follows, because `done` was given or the service stops."""
        return self._done_seen or (self._live is not None and self._feed.abandoned)

    def next(self, timeout: float) -> JobEvent | None:
        """Return the next event; None after `timeout` seconds, or if the watch has ended."""
        if self.ended:
            return None
        if self._live is None:
            return self._done(self._view)
        deadline = time.monotonic() + timeout
        while True:
            change = self._feed.next_change(
                self._live,
                after=self._seen,
                previews=self._previews,
                partials=self._partials,
                timeout=deadline - time.monotonic(),
            )
            if change is None:
                return None
            if (event := self._event(change)) is not None:
                return event

    def close(self) -> None:
        """Listen no more. A second call does nothing."""
        if self._live is not None and self._open:
            self._open = False
            self._feed.stop_listening(self._live, previews=self._previews, partials=self._partials)

    def _event(self, change: Change) -> JobEvent | None:
        """Return the event for a change; None if it is not new for this listener."""
        if change.event == "done":
            return self._done(change.view)
        self._seen = change.version
        if change.event == "queued":
            if change.view.position in (None, self._position):
                return None
            self._position = change.view.position
        name = "partial" if is_partial(change.event) else change.event
        event_id = f"{change.view.job.token}-{_RUN}-{change.version}"
        return JobEvent(event_id, name, change.view, change.preview)

    def _done(self, view: JobView) -> JobEvent:
        self._done_seen = True
        return JobEvent(f"{view.job.token}-done", "done", view)
