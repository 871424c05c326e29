"""Model files in folders, each listed once it is whole and its bytes are known."""

import logging
import os
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from adapters.filesystem.changes import FolderChanges
from adapters.filesystem.folders import extension_of, model_paths
from adapters.filesystem.headers import IncompleteFile
from adapters.filesystem.identity import Identity, Reading, identify
from adapters.filesystem.identity_cache import IdentityCache
from domain.models import FileStamp, ModelRecord, PendingModel, PendingState
from domain.ports.model_source import ModelScan, ModelSource

__all__ = ["FilesystemModelSource"]

_SETTLE_SECONDS = 1.0
_RETRY_SECONDS = 30.0
_MAX_READERS = 4

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Seen:
    """A file with one stamp, since it was first seen so."""

    stamp: FileStamp
    since: float
    identity: Identity | None = None
    reading: Reading | None = None
    outcome: "Future[Identity | None] | None" = None
    trouble: str | None = None
    incomplete: bool = False


@dataclass(slots=True)
class _Complaints:
    """What is wrong with some files, each said once for as long as it stays so."""

    said: set[str] = field(default_factory=set)
    now: set[str] = field(default_factory=set)

    def __call__(self, message: str) -> None:
        if message not in self.said | self.now:
            _log.warning("%s", message)
        self.now.add(message)

    def end_of_scan(self) -> None:
        self.said, self.now = self.now, set()


class FilesystemModelSource(ModelSource):
    """Every model file in some folders and their sub-folders.

    A new file *settles* first: its stamp must be the same at two looks that lie `settle_seconds`
    apart, so that nobody is writing it, and its last change is older than the file system's clock
    is coarse. Then it is *hashed*, in a pool. Then it is listed, until its stamp changes.

    Args:
        folders: Where to look; they need not be there.
        cache: What earlier runs learnt; None to learn everything anew.
        settle_seconds: How far apart the two looks are.
        clock: Seconds since some moment.
    """

    def __init__(
        self,
        folders: Sequence[str],
        cache: IdentityCache | None = None,
        *,
        settle_seconds: float = _SETTLE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folders = tuple(folders)
        self._cache = cache
        self._settle_seconds = settle_seconds
        self._clock = clock
        self._changes = FolderChanges(self._folders)
        self._seen: dict[str, _Seen] = {}
        self._complain = _Complaints()
        # Its threads start with the first file to hash.
        self._readers = ThreadPoolExecutor(
            min(_MAX_READERS, os.cpu_count() or 1), thread_name_prefix="hash"
        )

    def scan(self) -> ModelScan:
        now = self._clock()
        found = {path: self._looked_at(path, stamp, now) for path, stamp in self._stamps()}
        for path, before in self._seen.items():
            if before.reading is not None and found.get(path) is not before:
                before.reading.cancelled.set()
        self._seen = found
        for path, seen in found.items():
            self._advance(path, seen, now)
        self._complain.end_of_scan()
        return ModelScan(
            models=tuple(
                _record(path, seen.stamp, seen.identity)
                for path, seen in found.items()
                if seen.identity is not None
            ),
            pending=tuple(
                _pending(path, seen)
                for path, seen in found.items()
                if seen.identity is None and (seen.trouble is None or seen.incomplete)
            ),
            moving=any(seen.identity is None and not seen.trouble for seen in found.values()),
        )

    def wait(self, seconds: float) -> None:
        self._changes.wait(seconds)

    def close(self) -> None:
        self._changes.close()
        for seen in tuple(self._seen.values()):
            if seen.reading is not None:
                seen.reading.cancelled.set()
        self._readers.shutdown(wait=False, cancel_futures=True)
        if self._cache is not None:
            self._cache.close()

    def _stamps(self) -> Iterator[tuple[str, FileStamp]]:
        for folder in self._folders:
            for path in model_paths(folder, self._complain):
                try:
                    status = os.stat(path)
                except OSError as error:
                    self._complain(f"{path} is left out: {error.strerror}")
                    continue
                if stat.S_ISREG(status.st_mode) and status.st_size > 0:
                    yield path, FileStamp.of(status)

    def _looked_at(self, path: str, stamp: FileStamp, now: float) -> _Seen:
        before = self._seen.get(path)
        if before is not None and before.stamp == stamp:
            return before
        known = None if self._cache is None else self._cache.get(stamp)
        return _Seen(stamp, since=now, identity=known)

    def _advance(self, path: str, seen: _Seen, now: float) -> None:
        if seen.identity is not None:
            return
        if seen.trouble is not None:
            if now - seen.since < _RETRY_SECONDS:
                self._complain(seen.trouble)
                return
            seen.trouble = None
        if seen.outcome is None:
            if now - seen.since >= self._settle_seconds:
                _log.info("hashing %s (%d bytes)", path, seen.stamp.size)
                seen.reading = Reading()
                seen.outcome = self._readers.submit(identify, path, seen.stamp, seen.reading)
        elif seen.outcome.done():
            self._conclude(path, seen, now)

    def _conclude(self, path: str, seen: _Seen, now: float) -> None:
        assert seen.outcome is not None  # noqa: S101 - tells mypy
        outcome, seen.outcome, seen.reading, seen.since = seen.outcome, None, None, now
        try:
            seen.identity = outcome.result()
        except IncompleteFile as error:
            seen.incomplete, seen.trouble = True, f"{path} is not whole yet: {error.reason}"
        except OSError as error:
            seen.trouble = f"{path} is left out: {error.strerror or error}"
        if seen.trouble is not None:
            self._complain(seen.trouble)
        if seen.identity is not None and self._cache is not None:
            self._cache.put(seen.stamp, seen.identity)


def _pending(path: str, seen: _Seen) -> PendingModel:
    hashing = seen.reading is not None
    return PendingModel(
        name=os.path.basename(path),
        path=path,
        size=seen.stamp.size,
        state=PendingState.HASHING if hashing else PendingState.SETTLING,
        hashed=seen.reading.hashed if seen.reading is not None else 0,
    )


def _record(path: str, stamp: FileStamp, identity: Identity) -> ModelRecord:
    told = identity.classification
    return ModelRecord(
        id=identity.digest,
        name=os.path.basename(path),
        size=stamp.size,
        path=path,
        extension=extension_of(path),
        kind=told.kind,
        family=told.family,
        reason=told.reason,
        stamp=stamp,
    )
