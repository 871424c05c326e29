"""Model files in folders, each listed once it is complete and hashed."""

import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from adapters.filesystem.cards import CardsBeside
from adapters.filesystem.folders import device_of, model_paths
from adapters.filesystem.headers.reading import IncompleteFile
from adapters.filesystem.records import record_of
from adapters.filesystem.scan_warnings import ScanWarnings, one_line
from adapters.filesystem.scanning.changes import FolderChanges
from adapters.filesystem.scanning.folder_identity import identify_folder
from adapters.filesystem.scanning.identity import Identity, Reading, identify_file
from adapters.filesystem.scanning.identity_cache import IdentityCache
from adapters.filesystem.scanning.on_disk import Found, look_at
from adapters.filesystem.scanning.seen_model import SeenModel
from adapters.filesystem.training import ToldBeside, TrainingsBeside
from domain.models.names import vaes_beside
from domain.models.record import ModelKind
from domain.ports.model_source import ModelScan, ModelSource

__all__ = ["FilesystemModelSource"]

_SETTLE_SECONDS = 1.0
_RETRY_SECONDS = 30.0
_STALL_SECONDS = 30.0
"""How long an incomplete file must stay unchanged before it is listed with that reason."""
_MIN_READERS = 2
_MAX_READERS = 12
"""Threads that hash, if there are as many cores; each holds a block of 4 MiB."""
_LONG_BYTES = 64 * 2**30
"""Files with more bytes are hashed one after another by a thread of their own. So files that take
minutes never delay files that take seconds. A sparse file takes no room on a disk.
"""

_log = logging.getLogger(__name__)


class FilesystemModelSource(ModelSource):
    """Every model file and diffusers folder in some folders and their sub-folders.

    A new file *settles* first: its stamps must be the same at two scans that are `settle_seconds`
    apart, so that no process is writing it, and its last change must be older than the resolution
    of the file system's clock. Then it is *hashed*, in a pool. Then it is listed, until its stamp
    changes.

    An incomplete model (an empty file, a header that promises more bytes, a folder with a running
    download) settles for `stall_seconds`. If it has not changed by then, it is listed as not
    loadable, with that reason.

    Args:
        folders: The folders to scan; they need not exist.
        cache: The identities from earlier runs; None to hash everything again.
        only: A name or a path: if a file has it, nothing else is read or listed but a VAE beside.
        settle_seconds: The time between the two scans.
        stall_seconds: How long an incomplete model is awaited while it does not change.
        clock: Seconds since some moment.
    """

    def __init__(
        self,
        folders: Sequence[str],
        cache: IdentityCache | None = None,
        *,
        only: str | None = None,
        settle_seconds: float = _SETTLE_SECONDS,
        stall_seconds: float = _STALL_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folders = tuple(folders)
        self._cache = cache
        self._only = only
        self._settle_seconds = settle_seconds
        self._stall_seconds = stall_seconds
        self._clock = clock
        self._changes = FolderChanges(self._folders)
        self._seen: dict[str, SeenModel] = {}
        self._warnings = ScanWarnings()
        self._cards = CardsBeside(self._warnings)
        self._trainings = TrainingsBeside(self._warnings)
        self._devices: dict[str, int] = {}
        # Its threads start with the first file to hash.
        self._readers = ThreadPoolExecutor(
            max(_MIN_READERS, min(_MAX_READERS, os.cpu_count() or 1)), thread_name_prefix="hash"
        )
        self._long_readers = ThreadPoolExecutor(1, thread_name_prefix="hash-long")

    def scan(self) -> ModelScan:
        now = self._clock()
        seen = {found.path: self._seen_since(found, now) for found in self._found()}
        for path, before in self._seen.items():
            if before.reading is not None and seen.get(path) is not before:
                before.reading.cancelled.set()
        self._seen = seen
        # A file that takes hours must not delay the others.
        for each in sorted(seen.values(), key=lambda each: each.found.size):
            self._advance(each, now)
        unlisted = [each for each in seen.values() if each.identity is None]
        beside = self._beside(seen.values())
        return ModelScan(
            models=tuple(
                record_of(each.found, each.identity, beside.get(each.identity.digest), self._cards)
                for each in seen.values()
                if each.identity is not None
            ),
            pending=tuple(each.pending() for each in unlisted),
            moving=any(each.trouble is None for each in unlisted),
            settled=all(each.trouble is not None or each.is_written_to for each in unlisted),
            unread=self._warnings.end_of_scan(),
        )

    def wait(self, seconds: float) -> None:
        self._changes.wait(seconds)

    def close(self) -> None:
        self._changes.close()
        for seen in tuple(self._seen.values()):
            if seen.reading is not None:
                seen.reading.cancelled.set()
        for readers in (self._readers, self._long_readers):
            readers.shutdown(wait=False, cancel_futures=True)
        if self._cache is not None:
            self._cache.close()

    def _found(self) -> Iterator[Found]:
        for path in self._paths():
            try:
                found = look_at(path, self._warnings)
            except OSError as error:
                self._warnings.unread(path, f"{path} is left out: {error.strerror}")
            else:
                if found is not None:
                    yield found

    def _paths(self) -> Sequence[str]:
        paths = [path for folder in self._folders for path in self._paths_in(folder)]
        named = [path for path in paths if self._only in (path, os.path.basename(path))]
        beside = {each for path in named for each in vaes_beside(path)}
        return [*named, *(path for path in paths if path in beside)] if named else paths

    def _paths_in(self, folder: str) -> Sequence[str]:
        paths = tuple(model_paths(folder, self._warnings))
        device = device_of(folder)
        if device is None:
            return paths
        if paths:
            self._devices[folder] = device
        elif self._devices.get(folder, device) != device:
            self._warnings.unread(
                folder, f"the model folder {folder} is empty; what was mounted there is gone"
            )
        return paths

    def _seen_since(self, found: Found, now: float) -> SeenModel:
        before = self._seen.get(found.path)
        if before is not None and before.found == found:
            return before
        return SeenModel(
            found,
            first=now,
            since=now,
            identity=self._known(found),
            changed_since_last_scan=before is not None and before.identity is None,
        )

    def _known(self, found: Found) -> Identity | None:
        """Return the cached identity, if it is complete."""
        if self._cache is None:
            return None
        if found.stamp is not None:
            return self._cache.get(found.path, found.stamp)
        if (
            found.unfit
            or found.unfinished_download is not None
            or not all(
                self._cache.get(os.path.join(found.path, part.path), part.stamp)
                for part in found.parts
            )
        ):
            return None
        try:
            return identify_folder(found, Reading(), self._cache)
        except OSError:
            return None

    def _advance(self, seen: SeenModel, now: float) -> None:
        if seen.identity is not None:
            return
        if (unfit := seen.found.unfit) is not None:
            seen.reason = unfit
            seen.trouble = f"{seen.found.path} is left out: {unfit}"
            self._warnings.warn(seen.trouble)
            return
        stalled = now - seen.first >= self._stall_seconds
        if seen.trouble is not None:
            is_final = stalled and seen.incomplete
            if now - seen.since < _RETRY_SECONDS and not is_final:
                self._log_trouble(seen)
                return
            seen.trouble = seen.reason = None
        if seen.outcome is not None:
            if seen.outcome.done():
                self._conclude(seen, now)
        elif seen.found.unfinished_download is not None and not stalled:
            self._wait_for(seen, "a download in it is still running", now)
        elif now - seen.since >= self._settle_seconds:
            _log.info("hashing %s (%d bytes)", one_line(seen.found.path), seen.found.size)
            seen.reading = Reading()
            readers = self._long_readers if seen.found.size > _LONG_BYTES else self._readers
            seen.outcome = readers.submit(self._identify, seen.found, seen.reading, stalled)

    def _wait_for(self, seen: SeenModel, reason: str, now: float) -> None:
        """Record that it is incomplete."""
        seen.incomplete, seen.since, seen.reason = True, now, reason
        seen.trouble = f"{seen.found.path} is not complete yet: {reason}"

    def _log_trouble(self, seen: SeenModel) -> None:
        if seen.trouble is not None and seen.incomplete:
            self._warnings.warn(seen.trouble)
        elif seen.trouble is not None:
            self._warnings.unread(seen.found.path, seen.trouble)

    def _identify(self, found: Found, reading: Reading, stalled: bool) -> Identity | None:
        if found.stamp is not None:
            return identify_file(found.path, found.stamp, reading, stalled=stalled)
        return identify_folder(found, reading, self._cache, stalled=stalled)

    def _conclude(self, seen: SeenModel, now: float) -> None:
        assert seen.outcome is not None  # noqa: S101 - tells mypy
        outcome, seen.outcome, seen.reading, seen.since = seen.outcome, None, None, now
        try:
            seen.identity = outcome.result()
        except IncompleteFile as error:
            self._wait_for(seen, error.reason, now)
        except OSError as error:
            self._skip(seen, error.strerror or str(error))
        except Exception as error:  # one file's bytes must not stop the scan of the others
            _log.error("%a cannot be read", seen.found.path, exc_info=error)
            self._skip(seen, type(error).__name__)
        self._log_trouble(seen)
        stamp = seen.found.stamp
        if seen.identity is not None and stamp is not None and self._cache is not None:
            self._cache.put(seen.found.path, stamp, seen.identity)

    def _skip(self, seen: SeenModel, fault: str) -> None:
        """Record that it cannot be read now."""
        seen.trouble = f"{seen.found.path} is left out: {fault}"
        seen.reason = f"it cannot be read: {fault}"

    def _beside(self, seen: Iterable[SeenModel]) -> Mapping[str, ToldBeside]:
        """Return what files beside checkpoints say, by the id of the model.

        Files with the same bytes are one model. The first of their paths with such a file counts.
        """
        found: dict[str, ToldBeside] = {}
        for each in sorted(seen, key=lambda each: each.found.path):
            identity = each.identity
            if identity is None or each.found.stamp is None:
                continue
            told = identity.classification
            if told.kind is not ModelKind.CHECKPOINT or told.reason is not None:
                continue
            beside = self._trainings.of(each.found.path)
            if beside is not None:
                found.setdefault(identity.digest, beside)
        return found
