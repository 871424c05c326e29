"""Warnings about the model folders."""

import logging

__all__ = ["ScanWarnings", "one_line"]

_log = logging.getLogger(__name__)


def one_line(text: str) -> str:
    """Return a text as one log line; unprintable characters, such as a line end, are escaped."""
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text)


class ScanWarnings:
    """Warnings about some paths, each logged once for as long as it applies."""

    def __init__(self) -> None:
        self._logged: set[str] = set()
        self._now: set[str] = set()
        self._unread: set[str] = set()

    def warn(self, message: str) -> None:
        """Log a warning."""
        if message not in self._logged | self._now:
            _log.warning("%s", one_line(message))
        self._now.add(message)

    def unread(self, path: str, message: str) -> None:
        """Log why `path` cannot be read, and remember that it was not."""
        self._unread.add(path)
        self.warn(message)

    def end_of_scan(self) -> tuple[str, ...]:
        """Return the paths that were not read, sorted; forget the warnings that no longer apply."""
        self._logged, self._now = self._now, set()
        unread, self._unread = self._unread, set()
        return tuple(sorted(unread))
