"""The current state of a path."""

import os
import stat
from dataclasses import dataclass

from adapters.filesystem.folders import part_paths
from adapters.filesystem.scan_warnings import Complaints
from domain.models.record import FileStamp, ModelPart

__all__ = ["Found", "look_at"]

# Endings that browsers and download tools give to unfinished files.
_PARTIAL = (".part", ".partial", ".incomplete", ".crdownload", ".download", ".aria2", ".tmp")


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
    def unfinished_download(self) -> str | None:
        """Return the path of an unfinished download in a folder; None if there is none."""
        return next((part.path for part in self.parts if part.path.endswith(_PARTIAL)), None)


def look_at(path: str, complaints: Complaints) -> Found | None:
    """Return the file or folder at `path`; None for anything else.

    Raises:
        OSError: it is gone, or cannot be read.
    """
    status = os.stat(path)
    if stat.S_ISDIR(status.st_mode):
        return Found(path, parts=_parts(path, complaints))
    if not stat.S_ISREG(status.st_mode):
        return None
    return Found(path, FileStamp.of(status))


def _parts(folder: str, complaints: Complaints) -> tuple[ModelPart, ...]:
    parts = []
    for path in part_paths(folder, complaints):
        status = os.stat(os.path.join(folder, path))
        if stat.S_ISREG(status.st_mode):
            parts.append(ModelPart(path, FileStamp.of(status)))
    return tuple(sorted(parts, key=lambda part: part.path.encode(errors="surrogateescape")))
