"""The identity of a file: its hash, and the content of its header."""

import hashlib
import os
from dataclasses import dataclass
from threading import Event

from adapters.filesystem.classification.files import Classification, classify
from adapters.filesystem.folders import extension_of
from adapters.filesystem.headers.reading import IncompleteFile, UnreadableHeader, read_header
from adapters.filesystem.plain_files import NotAPlainFile, opened_plain
from domain.models.record import FileStamp, ModelKind

__all__ = ["Identity", "Reading", "identify_file"]

_BLOCK_BYTES = 4 * 1024 * 1024
"""Bytes of one read: many for disks and network folders, few enough for several at once."""


@dataclass(frozen=True, slots=True)
class Identity:
    """SHA-256 of a file's bytes, 64 lower-case hex digits, and the file's classification."""

    digest: str
    classification: Classification


class Reading:
    """A file being read by one thread; any other thread may read the progress or cancel it.

    Attributes:
        hashed: The number of hashed bytes.
        fault: Why the model cannot draw, read from its header before the bytes are hashed; None if
            no fault is known.
        cancelled: Set by a thread that wants the reading to end.
    """

    def __init__(self) -> None:
        self.hashed = 0
        self.fault: str | None = None
        self.cancelled = Event()


def identify_file(
    path: str, stamp: FileStamp, reading: Reading, *, stalled: bool = False
) -> Identity | None:
    """Read the whole file at `path`, which had `stamp` when it was found.

    The stamp of the open file is checked before the first byte and after the last one. If it
    differs, the bytes are a mixture of contents, and there is no identity.

    Args:
        path: The file.
        stamp: The stamp when the file was found.
        reading: The progress.
        stalled: Whether an incomplete file is accepted: no process is writing it any more.

    Returns:
        None if the file changed, is not a regular file, or `reading` was cancelled.

    Raises:
        IncompleteFile: its header promises more bytes than there are, and it is not `stalled`.
        OSError: it cannot be read.
    """
    try:
        opened = opened_plain(path)
    except NotAPlainFile:
        return None
    with opened as file:
        descriptor = file.fileno()
        if FileStamp.of(os.fstat(descriptor)) != stamp:
            return None
        classification = _classified(path, descriptor, stamp.size, stalled=stalled)
        reading.fault = classification.fault
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
