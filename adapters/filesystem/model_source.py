"""Model files in folders."""

import hashlib
import logging
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from adapters.filesystem.classification import Classification, classify
from adapters.filesystem.headers import IncompleteFile, UnreadableHeader, read_header
from domain.models import ModelKind, ModelRecord
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


@dataclass(frozen=True, slots=True)
class _Content:
    """What was read from a file while it had this fingerprint."""

    fingerprint: _Fingerprint
    digest: str
    classification: Classification


class FilesystemModelSource(ModelSource):
    """Every model file in some folders and their sub-folders, links followed.

    A file is read when its fingerprint is new, so an unchanged one is read once.
    """

    def __init__(self, folders: Sequence[str]) -> None:
        self._folders = tuple(folders)
        self._known: dict[str, _Content] = {}
        self._complained: set[str] = set()

    def scan(self) -> Sequence[ModelRecord]:
        contents: dict[str, _Content] = {}
        complaints: set[str] = set()
        for folder in self._folders:
            for path in self._files(folder, complaints):
                try:
                    path.encode()  # a path that is no text could not be listed
                    content = self._content(path)
                except UnicodeEncodeError:
                    self._complain(complaints, f"{path!a} is left out: its name is not UTF-8")
                except OSError as error:
                    self._complain(complaints, f"{path} is left out: {error.strerror or error}")
                except IncompleteFile as error:
                    self._complain(complaints, f"{path} is left out for now: {error.reason}")
                else:
                    if content is not None:
                        contents[path] = content
        self._known = contents
        self._complained = complaints
        return tuple(_record(path, content) for path, content in contents.items())

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
                if _extension(name) in EXTENSIONS:
                    yield os.path.join(parent, name)

    def _content(self, path: str) -> _Content | None:
        """What is in a file; None while it is empty, no plain file, or being written.

        Raises:
            IncompleteFile: its header promises more bytes than there are.
            OSError: it can not be read.
        """
        # Without O_NONBLOCK, opening a named pipe would wait for a writer for ever.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        with open(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode) or status.st_size == 0:
                return None
            fingerprint = _Fingerprint.of(status)
            known = self._known.get(path)
            if known is not None and known.fingerprint == fingerprint:
                return known
            classification = _classified(file, fingerprint.size, _extension(path))
            _log.info("hashing %s (%d bytes)", path, fingerprint.size)
            file.seek(0)
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            if _Fingerprint.of(os.fstat(descriptor)) != fingerprint:
                return None
        return _Content(fingerprint, digest, classification)

    def _complain(self, complaints: set[str], message: str) -> None:
        """Log a message when the last scan did not say the same."""
        if message not in self._complained | complaints:
            _log.warning("%s", message)
        complaints.add(message)


def _classified(file: BinaryIO, size: int, extension: str) -> Classification:
    try:
        return classify(read_header(file, size, extension))
    except IncompleteFile:
        raise
    except UnreadableHeader as error:
        return Classification(ModelKind.UNKNOWN, None, None, loadable=False, reason=error.reason)


def _extension(path: str) -> str:
    return os.path.splitext(path)[1].lower()


def _record(path: str, content: _Content) -> ModelRecord:
    return ModelRecord(
        id=content.digest,
        name=os.path.basename(path),
        size=content.fingerprint.size,
        path=path,
        extension=_extension(path),
        kind=content.classification.kind,
        family=content.classification.family,
        reason=content.classification.reason,
    )
