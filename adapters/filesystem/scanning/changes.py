"""Waits for changes in folders."""

import logging
import os
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

__all__ = ["FolderChanges"]

_WAKE_MILLISECONDS = 500
"""How long the system's watcher sleeps before it checks whether it was closed."""

_DEBOUNCE_MILLISECONDS = 200
"""How long consecutive changes are collected into one."""

_log = logging.getLogger(__name__)


class FolderChanges:
    """Notices changes in some folders, if the system reports them.

    The system does not report changes in network folders and behind links; `wait` then ends with
    its timeout.
    """

    def __init__(self, folders: Sequence[str]) -> None:
        self._folders = tuple(folders)
        self._closed = threading.Event()
        self._watched: tuple[str, ...] = ()
        self._notices: Iterator[Any] = iter(())

    def wait(self, seconds: float) -> None:
        """Return on a change, after `seconds` at the latest, or when closed."""
        deadline = time.monotonic() + seconds
        if seconds < _WAKE_MILLISECONDS / 1000:
            self._closed.wait(seconds)
            return
        self._watch_existing_folders()
        while not self._closed.is_set() and (left := deadline - time.monotonic()) > 0:
            try:
                if next(self._notices):
                    return
            except (StopIteration, OSError, RuntimeError) as error:
                if not isinstance(error, StopIteration):
                    _log.warning(
                        "changes in the model folders are seen at the next scan: %s", error
                    )
                    self._notices = iter(())
                self._closed.wait(left)

    def close(self) -> None:
        """End any `wait`."""
        self._closed.set()

    def _watch_existing_folders(self) -> None:
        there = tuple(folder for folder in self._folders if os.path.isdir(folder))
        if there == self._watched:
            return
        from watchfiles import watch

        self._watched = there
        self._notices = iter(())
        if there:
            self._notices = watch(
                *there,
                watch_filter=None,
                stop_event=self._closed,
                debounce=_DEBOUNCE_MILLISECONDS,
                rust_timeout=_WAKE_MILLISECONDS,
                yield_on_timeout=True,
                raise_interrupt=False,
                ignore_permission_denied=True,
            )
