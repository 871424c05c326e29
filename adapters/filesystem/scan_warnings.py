"""What is wrong in the model folders."""

import logging

__all__ = ["Complaints", "one_line"]

_log = logging.getLogger(__name__)


def one_line(text: str) -> str:
    """A text as one line of a log: what is not printable, such as a line end, is escaped."""
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text)


class Complaints:
    """What is wrong with some files, each said once for as long as it stays so."""

    def __init__(self) -> None:
        self._said: set[str] = set()
        self._now: set[str] = set()
        self._unread: set[str] = set()

    def say(self, message: str) -> None:
        """Say that something is wrong."""
        if message not in self._said | self._now:
            _log.warning("%s", one_line(message))
        self._now.add(message)

    def unread(self, path: str, message: str) -> None:
        """Say why `path` can not be looked at, and note that it was not."""
        self._unread.add(path)
        self.say(message)

    def end_of_scan(self) -> tuple[str, ...]:
        """The paths that were not looked at, sorted; what is no longer wrong is forgotten."""
        self._said, self._now = self._now, set()
        unread, self._unread = self._unread, set()
        return tuple(sorted(unread))
