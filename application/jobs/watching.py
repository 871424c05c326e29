"""What happens to a job, for those who listen."""

import re
import secrets
import time
from dataclasses import dataclass

from application.job import JobView
from application.jobs.live_job import LiveJob
from application.jobs.queue import JobQueue

__all__ = ["JobEvent", "JobWatch"]

_RUN = secrets.token_hex(4)
"""Event ids hold it: versions start anew with each process."""
_VERSION = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class JobEvent:
    """Something new.

    Attributes:
        id: For `after` of a later watch.
        name: `queued`, `progress`, `preview` or `done`.
        view: The job as it was then.
        preview: A JPEG, of a `preview`.
    """

    id: str
    name: str
    view: JobView
    preview: bytes | None = None


class JobWatch:
    """One listener's way through the events of a job.

    A slow one gets the newest of each kind, so nothing piles up and the worker waits for nobody.

    Args:
        view: Of a job that is finished; None while `live` is not.
        after: The id of the last event that was seen; one that is not known counts as none.
        previews: Whether looks at the work so far are wanted. None is made where nobody wants one.
    """

    def __init__(
        self,
        queue: JobQueue,
        live: LiveJob | None,
        view: JobView,
        *,
        after: str | None,
        previews: bool = True,
    ) -> None:
        self._queue = queue
        self._previews = previews
        self._live = live
        self._view = view
        self._open = live is not None
        self._position: int | None = None
        token = view.job.token
        run, _, version = (after or "").removeprefix(f"{token}-").partition("-")
        self._done_seen = after == f"{token}-done"
        self._seen = int(version) if run == _RUN and _VERSION.fullmatch(version) else 0
        if live is not None:
            with queue.changed:
                live.listeners += 1
                live.viewers += previews

    @property
    def complete(self) -> bool:
        """Whether `done` was given, now or to an earlier watch: there is no more of this job."""
        return self._done_seen

    @property
    def ended(self) -> bool:
        """Whether `done` was given, or the service stops: nothing will come any more."""
        if self._done_seen:
            return True
        return self._live is not None and self._queue.abandoned

    def next(self, timeout: float) -> JobEvent | None:
        """The next event; None when there was none for so many seconds, or it has `ended`."""
        if self.ended:
            return None
        if self._live is None:
            return self._done(self._view)
        deadline = time.monotonic() + timeout
        with self._queue.changed:
            while (event := self._new(self._live)) is None:
                seconds = deadline - time.monotonic()
                if seconds <= 0 or self.ended:
                    return None
                self._queue.changed.wait(seconds)
            return event

    def close(self) -> None:
        """Listen no more. A second call does nothing."""
        if self._live is not None and self._open:
            self._open = False
            with self._queue.changed:
                self._live.listeners -= 1
                self._live.viewers -= self._previews

    def _new(self, live: LiveJob) -> JobEvent | None:
        unseen = [
            (version, name)
            for name, version in live.changes.items()
            if version > self._seen and (self._previews or name != "preview")
        ]
        if not unseen:
            return None
        view = self._queue.view(live)
        if "done" in live.changes:  # what came before it no longer matters
            progress = live.progress or JobView.at_rest(live.job).progress
            return self._done(JobView(live.job, progress=progress))
        version, name = min(unseen)
        self._seen = version
        if name == "queued":
            if view.position in (None, self._position):
                return self._new(live)
            self._position = view.position
        preview = live.preview if name == "preview" else None
        return JobEvent(f"{live.job.token}-{_RUN}-{version}", name, view, preview)

    def _done(self, view: JobView) -> JobEvent:
        self._done_seen = True
        return JobEvent(f"{view.job.token}-done", "done", view)
