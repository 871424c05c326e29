"""What the bytes of a file are: their hash, and what their header says."""

import hashlib
import os
import stat
from dataclasses import dataclass
from threading import Event

from adapters.filesystem.classification.files import Classification, classify
from adapters.filesystem.folders import extension_of
from adapters.filesystem.headers.reading import IncompleteFile, UnreadableHeader, read_header
from domain.models.record import FileStamp, ModelKind

__all__ = ["Identity", "Reading", "identify_file"]

_BLOCK_BYTES = 4 * 1024 * 1024
"""Of one read: large enough for disks and network folders, small enough for several at once."""


@dataclass(frozen=True, slots=True)
class Identity:
    """SHA-256 of a file's bytes, 64 lower-case hex digits, and what the file is."""

    digest: str
    classification: Classification


class Reading:
    """A file being read by one thread: how far it is, and whether to go on, for any other."""

    def __init__(self) -> None:
        self.hashed = 0
        self.cancelled = Event()


def identify_file(
    path: str, stamp: FileStamp, reading: Reading, *, stalled: bool = False
) -> Identity | None:
    """Read the whole file at `path`, which had `stamp` when it was found.

    The stamp is taken of the open file before the first byte and after the last one; when either
    is another, what was read is no one file's content, and nothing is said of it.

    Args:
        path: Where it is.
        stamp: What it had.
        reading: How far it is.
        stalled: Whether a file that is not whole is taken as it is: nobody is writing it any more.

    Returns:
        None when the file changed, is no plain file, or `reading` was cancelled.

    Raises:
        IncompleteFile: its header promises more bytes than there are, and it is not `stalled`.
        OSError: it can not be read.
    """
    # Without O_NONBLOCK, opening a named pipe would wait for a writer for ever.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    with open(descriptor, "rb", buffering=0) as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or FileStamp.of(status) != stamp:
            return None
        classification = _classified(path, descriptor, stamp.size, stalled=stalled)
        digest = hashlib.sha256()
        block = memoryview(bytearray(min(_BLOCK_BYTES, stamp.size)))
        file.seek(0)
        while count := file.readinto(block):
            digest.update(block[:count])
            reading.hashed += count
            if reading.cancelled.is_set():
                return None
        if FileStamp.of(os.fstat(descriptor)) != stamp:
            return None
    return Identity(digest.hexdigest(), classification)


def _classified(path: str, descriptor: int, size: int, *, stalled: bool) -> Classification:
    with open(descriptor, "rb", closefd=False) as file:
        try:
            return classify(read_header(file, size, extension_of(path)))
        except UnreadableHeader as error:
            if isinstance(error, IncompleteFile) and not stalled:
                raise
            return Classification(
                ModelKind.UNKNOWN,
                None,
                None,
                loadable=False,
                reason=error.reason,
                fault=error.reason,
            )
