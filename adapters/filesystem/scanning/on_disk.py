"""What lies at a path now."""

import os
import stat
from dataclasses import dataclass

from adapters.filesystem.folders import part_paths
from adapters.filesystem.scan_warnings import ScanWarnings
from domain.models.record import FileStamp, ModelPart

__all__ = ["Found", "look_at"]

# What browsers and download tools call a file that they have not finished.
_PARTIAL = (".part", ".partial", ".incomplete", ".crdownload", ".download", ".aria2", ".tmp")


@dataclass(frozen=True, slots=True)
class Found:
    """A model at a path: a file with its stamp, or a folder with its parts, sorted by path."""

    path: str
    stamp: FileStamp | None = None
    parts: tuple[ModelPart, ...] = ()

    @property
    def size(self) -> int:
        """Bytes, of a folder those of its files together."""
        if self.stamp is not None:
            return self.stamp.size
        return sum(part.stamp.size for part in self.parts)

    @property
    def unfinished_download(self) -> str | None:
        """The path of a file in a folder that some tool has not finished; None for no such file."""
        return next((part.path for part in self.parts if part.path.endswith(_PARTIAL)), None)


def look_at(path: str, warnings: ScanWarnings) -> Found | None:
    """What lies at `path`; None for what is neither file nor folder.

    Raises:
        OSError: it is gone, or can not be looked at.
    """
    status = os.stat(path)
    if stat.S_ISDIR(status.st_mode):
        return Found(path, parts=_parts(path, warnings))
    if not stat.S_ISREG(status.st_mode):
        return None
    return Found(path, FileStamp.of(status))


def _parts(folder: str, warnings: ScanWarnings) -> tuple[ModelPart, ...]:
    parts = []
    for path in part_paths(folder, warnings):
        status = os.stat(os.path.join(folder, path))
        if stat.S_ISREG(status.st_mode):
            parts.append(ModelPart(path, FileStamp.of(status)))
    return tuple(sorted(parts, key=lambda part: part.path.encode(errors="surrogateescape")))
