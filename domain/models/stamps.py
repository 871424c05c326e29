"""Facts of model files in the file system."""

import os
from dataclasses import dataclass

__all__ = ["FileStamp", "ModelPart"]


@dataclass(frozen=True, slots=True)
class FileStamp:
    """Facts of a file in the file system. They change when the file is written or replaced.

    Times are in nanoseconds. `changed_ns` (ctime) is part of the stamp because the owner of a file
    can set `modified_ns` back, but not ctime.
    """

    device: int
    inode: int
    size: int
    modified_ns: int
    changed_ns: int

    @classmethod
    def of(cls, status: os.stat_result) -> "FileStamp":
        """Return the stamp of a result of `os.stat` or `os.fstat`."""
        return cls(
            status.st_dev,
            status.st_ino,
            status.st_size,
            status.st_mtime_ns,
            status.st_ctime_ns,
        )


@dataclass(frozen=True, slots=True)
class ModelPart:
    """A file of a model folder: its path inside the folder, with `/`, and its stamp."""

    path: str
    stamp: FileStamp
