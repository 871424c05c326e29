"""Small files beside models, read again when they change.

Such a file is not part of the id of its model, so it can be changed at any time.
"""

import io
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from adapters.filesystem.headers.values import shown
from adapters.filesystem.plain_files import NotAPlainFile, opened_plain
from adapters.filesystem.scan_warnings import ScanWarnings
from domain.models.record import FileStamp

__all__ = ["FilesBeside", "UnreadBeside"]

Content = TypeVar("Content")


class UnreadBeside(Exception):
    """The content of a file is not what such a file holds; the text says why."""


@dataclass(frozen=True, slots=True)
class _Read(Generic[Content]):
    """The content of a file with this stamp, or what is wrong with it."""

    stamp: FileStamp
    content: Content | None = None
    trouble: str | None = None


class FilesBeside(Generic[Content]):
    """Reads each file again when it has changed. Reads regular files only.

    Args:
        warnings: Receives why a file is not read.
        parsed: Returns the content of a file from its bytes and its path. Raises UnreadBeside.
        most_bytes: The most bytes of a file.
        unread: Returns the content of a file that is not read, from the reason and its path.
    """

    def __init__(
        self,
        warnings: ScanWarnings,
        parsed: Callable[[bytes, str], Content],
        *,
        most_bytes: int,
        unread: Callable[[str, str], Content | None] = lambda _reason, _path: None,
    ) -> None:
        self._warnings = warnings
        self._parsed = parsed
        self._most_bytes = most_bytes
        self._unread = unread
        self._known: dict[str, _Read[Content]] = {}

    def at(self, path: str) -> Content | None:
        """Return the content of the file at `path`; None if there is none that can be read."""
        try:
            status = os.stat(path)
            if not stat.S_ISREG(status.st_mode):
                return None
            stamp = FileStamp.of(status)
            read = self._known.get(path)
            if read is None or read.stamp != stamp:
                read = self._known[path] = self._read(path, stamp)
        except OSError:
            self._known.pop(path, None)
            return None
        if read.trouble is not None:
            self._warnings.warn(f"{shown(path)} is not read: {read.trouble}")
        return read.content

    def _read(self, path: str, stamp: FileStamp) -> _Read[Content]:
        if stamp.size > self._most_bytes:
            return self._not_read(
                stamp, path, f"it has {stamp.size:,} bytes, more than {self._most_bytes:,}"
            )
        try:
            with io.BufferedReader(opened_plain(path)) as file:
                content = file.read(self._most_bytes)
        except NotAPlainFile:
            return _Read(stamp)
        try:
            return _Read(stamp, self._parsed(content, path))
        except UnreadBeside as error:
            return self._not_read(stamp, path, str(error))

    def _not_read(self, stamp: FileStamp, path: str, reason: str) -> _Read[Content]:
        return _Read(stamp, self._unread(reason, path), reason)
