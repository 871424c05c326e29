"""Files that appear whole or not at all."""

import os
from pathlib import Path

__all__ = ["synchronise", "write_synchronised"]


def write_synchronised(path: Path, data: bytes) -> None:
    """Write a new file that only its owner can read. It is on disk when the call returns."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(handle)


def synchronise(folder: Path) -> None:
    """Make the names in a folder survive a power failure."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
