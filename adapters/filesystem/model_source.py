"""Model files in folders."""

import hashlib
import logging
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from domain.models import ModelRecord
from domain.ports.model_source import ModelSource

__all__ = ["EXTENSIONS", "FilesystemModelSource"]

EXTENSIONS = frozenset({".ckpt", ".pt", ".pth", ".bin", ".safetensors"})

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Fingerprint:
    """What changes when a file is written or replaced."""

    device: int
    inode: int
    size: int
    modified_ns: int

    @classmethod
    def of(cls, status: os.stat_result) -> "_Fingerprint":
        return cls(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


class FilesystemModelSource(ModelSource):
    """Every model file in some folders and their sub-folders, links followed.

    A file is hashed when its fingerprint is new, so an unchanged one is read once.
    """

    def __init__(self, folders: Sequence[str]) -> None:
        self._folders = tuple(folders)
        self._known: dict[str, tuple[_Fingerprint, str]] = {}
        self._complained: set[str] = set()

    def scan(self) -> Sequence[ModelRecord]:
        records: dict[str, ModelRecord] = {}
        complaints: set[str] = set()
        for folder in self._folders:
            for path in self._files(folder, complaints):
                try:
                    record = self._record(path)
                except UnicodeEncodeError:
                    self._complain(complaints, f"{path!a} is left out: its name is not UTF-8")
                    continue
                except OSError as error:
                    self._complain(complaints, f"{path} is left out: {error.strerror or error}")
                    continue
                if record is not None:
                    records[path] = record
        self._known = {path: row for path, row in self._known.items() if path in records}
        self._complained = complaints
        return tuple(records.values())

    def _files(self, folder: str, complaints: set[str]) -> Iterator[str]:
        if not os.path.isdir(folder):
            self._complain(complaints, f"the model folder {folder} is not there")
            return

        def unreadable(error: OSError) -> None:
            self._complain(complaints, f"{error.filename} is left out: {error.strerror}")

        seen: set[tuple[int, int]] = set()
        for parent, folders, names in os.walk(folder, onerror=unreadable, followlinks=True):
            try:
                status = os.stat(parent)
            except OSError:
                folders.clear()
                continue
            if (status.st_dev, status.st_ino) in seen:  # a link that leads back up
                folders.clear()
                continue
            seen.add((status.st_dev, status.st_ino))
            folders.sort()
            for name in sorted(names):
                if os.path.splitext(name)[1].lower() in EXTENSIONS:
                    yield os.path.join(parent, name)

    def _record(self, path: str) -> ModelRecord | None:
        """The record of a file; None while it is empty, no plain file, or being written."""
        name = os.path.basename(path)
        path.encode()  # a path that is no text could not be listed
        # Without O_NONBLOCK, opening a named pipe would wait for a writer for ever.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        with open(descriptor, "rb", buffering=0) as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode) or status.st_size == 0:
                return None
            fingerprint = _Fingerprint.of(status)
            known = self._known.get(path)
            if known is not None and known[0] == fingerprint:
                digest = known[1]
            else:
                _log.info("hashing %s (%d bytes)", path, fingerprint.size)
                digest = hashlib.file_digest(file, "sha256").hexdigest()
                if _Fingerprint.of(os.fstat(descriptor)) != fingerprint:
                    return None
                self._known[path] = (fingerprint, digest)
        return ModelRecord(
            id=digest,
            name=name,
            size=fingerprint.size,
            path=path,
            extension=os.path.splitext(name)[1].lower(),
        )

    def _complain(self, complaints: set[str], message: str) -> None:
        """Log a message when the last scan did not say the same."""
        if message not in self._complained | complaints:
            _log.warning("%s", message)
        complaints.add(message)
