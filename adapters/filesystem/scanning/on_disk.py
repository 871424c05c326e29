"""The current state of a path."""

import os
import stat
from dataclasses import dataclass

from adapters.filesystem.folders import part_paths
from adapters.filesystem.headers.values import shown
from adapters.filesystem.scan_warnings import ScanWarnings
from domain.models.record import FileStamp, ModelPart

__all__ = ["MOST_BYTES", "MOST_PARTS", "Found", "look_at"]

# Endings that browsers and download tools give to unfinished files.
_PARTIAL = (".part", ".partial", ".incomplete", ".crdownload", ".download", ".aria2", ".tmp")


MOST_BYTES = 2**40
"""Largest size of a model. One of 80 billion parameters in 16 bits has a sixth of that."""
MOST_PARTS = 2000
"""Most files in a folder; published ones have up to a hundred."""

_ESCAPED = frozenset("\n\r\\")
"""Characters that `sha256sum` (GNU coreutils 9) escapes in a name."""


@dataclass(frozen=True, slots=True)
class Found:
    """A model at a path: a file with its stamp, or a folder with its parts, sorted by path."""

    path: str
    stamp: FileStamp | None = None
    parts: tuple[ModelPart, ...] = ()

    @property
    def size(self) -> int:
        """Return the bytes of the file, or of all files of the folder."""
        if self.stamp is not None:
            return self.stamp.size
        return sum(part.stamp.size for part in self.parts)

    @property
    def unfit(self) -> str | None:
        """Return why it cannot be a model, so that its bytes are not read; None if it can."""
        if self.size > MOST_BYTES:
            return f"it has {self.size:,} bytes, more than any model; {MOST_BYTES:,} are the most"
        if len(self.parts) > MOST_PARTS:
            return f"its folder has more than {MOST_PARTS:,} files, which no model has"
        odd = next((part.path for part in self.parts if not _is_plain(part.path)), None)
        if odd is not None:
            return f"its file {shown(odd)} has a name that a list of files cannot hold; rename it"
        return None

    @property
    def unfinished_download(self) -> str | None:
        """Return the path of an unfinished download in a folder; None if there is none."""
        return next((part.path for part in self.parts if part.path.endswith(_PARTIAL)), None)


def _is_plain(path: str) -> bool:
    """Return True if a path can be an entry of the list whose SHA-256 is a folder's id.

    `sha256sum` escapes other names. A name with a line end could stand for two files.
    """
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return _ESCAPED.isdisjoint(path)


def look_at(path: str, warnings: ScanWarnings) -> Found | None:
    """Return the file or folder at `path`; None for anything else.

    Raises:
        OSError: it is gone, or cannot be read.
    """
    status = os.stat(path)
    if stat.S_ISDIR(status.st_mode):
        return Found(path, parts=_parts(path, warnings))
    if not stat.S_ISREG(status.st_mode):
        return None
    return Found(path, FileStamp.of(status))


def _parts(folder: str, warnings: ScanWarnings) -> tuple[ModelPart, ...]:
    parts: list[ModelPart] = []
    for path in part_paths(folder, warnings):
        if len(parts) > MOST_PARTS:
            break
        status = os.stat(os.path.join(folder, path))
        if stat.S_ISREG(status.st_mode):
            parts.append(ModelPart(path, FileStamp.of(status)))
    return tuple(sorted(parts, key=lambda part: part.path.encode(errors="surrogateescape")))
