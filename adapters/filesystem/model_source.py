"""Model files in folders, each listed once it is whole and its bytes are known."""

import logging
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from adapters.filesystem.cards import CardsBeside
from adapters.filesystem.folders import device_of, extension_of, model_paths
from adapters.filesystem.headers.reading import IncompleteFile
from adapters.filesystem.scan_warnings import ScanWarnings, one_line
from adapters.filesystem.scanning.changes import FolderChanges
from adapters.filesystem.scanning.folder_identity import identify_folder
from adapters.filesystem.scanning.identity import Identity, Reading, identify_file
from adapters.filesystem.scanning.identity_cache import IdentityCache
from adapters.filesystem.scanning.on_disk import Found, look_at
from domain.models.record import ModelRecord, PendingModel, PendingState
from domain.ports.model_source import ModelScan, ModelSource

__all__ = ["FilesystemModelSource"]

_SETTLE_SECONDS = 1.0
_RETRY_SECONDS = 30.0
_STALL_SECONDS = 30.0
"""How long a file that is not whole must stay as it is until it is listed with that reason."""
_MIN_READERS = 2
_MAX_READERS = 12
"""Threads that hash, where there are as many cores; each holds a block of 4 MiB."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Seen:
    """A model that lies there so.

    Attributes:
        found: What lies there.
        first: When it was first seen so.
        since: The same, or when it was last tried to read it.
        identity: What it is; None until it is known.
        reading: How far it is read; None while it is not.
        outcome: Of reading it; None before and after.
        trouble: Why it could not be read, in a line for the log; None when it was not tried.
        reason: The same for a user.
        incomplete: Whether it may be whole at a later look.
        changed_since_a_look: Whether it was something else at the look before.
    """

    found: Found
    first: float
    since: float
    identity: Identity | None = None
    reading: Reading | None = None
    outcome: "Future[Identity | None] | None" = None
    trouble: str | None = None
    reason: str | None = None
    incomplete: bool = False
    changed_since_a_look: bool = False

    @property
    def is_written_to(self) -> bool:
        """Whether it changed between two looks, and has not settled since."""
        return self.changed_since_a_look and self.outcome is None


class FilesystemModelSource(ModelSource):
    """Every model file and diffusers folder in some folders and their sub-folders.

    A new one *settles* first: its stamps must be the same at two looks that lie `settle_seconds`
    apart, so that nobody is writing it, and its last change is older than the file system's clock
    is coarse. Then it is *hashed*, in a pool. Then it is listed, until its stamp changes.

    What is not whole (a file without bytes, one whose header promises more, a folder with a
    download that goes on) settles for `stall_seconds`. When it has not changed until then, it is
    listed as it is, as not loadable and with that reason.

    Args:
        folders: Where to look; they need not be there.
        cache: What earlier runs learnt; None to learn everything anew.
        only: A name or a path: where something is called so, nothing else is read or listed.
        settle_seconds: How far apart the two looks are.
        stall_seconds: How long what is not whole is waited for while it does not change.
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
        self._seen: dict[str, _Seen] = {}
        self._warnings = ScanWarnings()
        self._cards = CardsBeside(self._warnings)
        self._devices: dict[str, int] = {}
        # Its threads start with the first file to hash.
        self._readers = ThreadPoolExecutor(
            max(_MIN_READERS, min(_MAX_READERS, os.cpu_count() or 1)), thread_name_prefix="hash"
        )

    def scan(self) -> ModelScan:
        now = self._clock()
        seen = {found.path: self._seen_since(found, now) for found in self._found()}
        for path, before in self._seen.items():
            if before.reading is not None and seen.get(path) is not before:
                before.reading.cancelled.set()
        self._seen = seen
        # One that takes hours must not keep the others waiting.
        for each in sorted(seen.values(), key=lambda each: each.found.size):
            self._advance(each, now)
        unlisted = [each for each in seen.values() if each.identity is None]
        return ModelScan(
            models=tuple(
                self._record(each.found, each.identity)
                for each in seen.values()
                if each.identity is not None
            ),
            pending=tuple(_pending(each) for each in unlisted),
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
        self._readers.shutdown(wait=False, cancel_futures=True)
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
        return named or paths

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

    def _seen_since(self, found: Found, now: float) -> _Seen:
        before = self._seen.get(found.path)
        if before is not None and before.found == found:
            return before
        return _Seen(
            found,
            first=now,
            since=now,
            identity=self._known(found),
            changed_since_a_look=before is not None and before.identity is None,
        )

    def _known(self, found: Found) -> Identity | None:
        """What earlier runs learnt of it, when that is all there is to learn."""
        if self._cache is None:
            return None
        if found.stamp is not None:
            return self._cache.get(found.path, found.stamp)
        if found.unfinished_download is not None or not all(
            self._cache.get(os.path.join(found.path, part.path), part.stamp) for part in found.parts
        ):
            return None
        try:
            return identify_folder(found, Reading(), self._cache)
        except OSError:
            return None

    def _advance(self, seen: _Seen, now: float) -> None:
        if seen.identity is not None:
            return
        stalled = now - seen.first >= self._stall_seconds
        if seen.trouble is not None:
            is_final = stalled and seen.incomplete
            if now - seen.since < _RETRY_SECONDS and not is_final:
                self._complain(seen)
                return
            seen.trouble = seen.reason = None
        if seen.outcome is not None:
            if seen.outcome.done():
                self._conclude(seen, now)
        elif seen.found.unfinished_download is not None and not stalled:
            self._wait_for(seen, "a download in it goes on", now)
        elif now - seen.since >= self._settle_seconds:
            _log.info("hashing %s (%d bytes)", one_line(seen.found.path), seen.found.size)
            seen.reading = Reading()
            seen.outcome = self._readers.submit(self._identify, seen.found, seen.reading, stalled)

    def _wait_for(self, seen: _Seen, reason: str, now: float) -> None:
        """Note that it is not whole."""
        seen.incomplete, seen.since, seen.reason = True, now, reason
        seen.trouble = f"{seen.found.path} is not whole yet: {reason}"

    def _complain(self, seen: _Seen) -> None:
        if seen.trouble is not None and seen.incomplete:
            self._warnings.warn(seen.trouble)
        elif seen.trouble is not None:
            self._warnings.unread(seen.found.path, seen.trouble)

    def _identify(self, found: Found, reading: Reading, stalled: bool) -> Identity | None:
        if found.stamp is not None:
            return identify_file(found.path, found.stamp, reading, stalled=stalled)
        return identify_folder(found, reading, self._cache, stalled=stalled)

    def _conclude(self, seen: _Seen, now: float) -> None:
        assert seen.outcome is not None  # noqa: S101 - tells mypy
        outcome, seen.outcome, seen.reading, seen.since = seen.outcome, None, None, now
        try:
            seen.identity = outcome.result()
        except IncompleteFile as error:
            self._wait_for(seen, error.reason, now)
        except OSError as error:
            self._leave_out(seen, error.strerror or str(error))
        except Exception as error:  # one file's bytes must not stop the scan of the others
            _log.error("%a cannot be read", seen.found.path, exc_info=error)
            self._leave_out(seen, type(error).__name__)
        self._complain(seen)
        stamp = seen.found.stamp
        if seen.identity is not None and stamp is not None and self._cache is not None:
            self._cache.put(seen.found.path, stamp, seen.identity)

    def _leave_out(self, seen: _Seen, fault: str) -> None:
        """Note that it cannot be read now."""
        seen.trouble = f"{seen.found.path} is left out: {fault}"
        seen.reason = f"it cannot be read: {fault}"

    def _record(self, found: Found, identity: Identity) -> ModelRecord:
        told = identity.classification
        return ModelRecord(
            id=identity.digest,
            name=os.path.basename(found.path),
            size=found.size,
            path=found.path,
            extension="" if found.stamp is None else extension_of(found.path),
            kind=told.kind,
            family=told.family,
            precision=told.precision,
            reason=told.reason,
            stamp=found.stamp,
            parts=found.parts,
            native_size=told.native_size,
            card=self._cards.of(found.path, told.card, is_folder=found.stamp is None),
        )


def _pending(seen: _Seen) -> PendingModel:
    hashing = seen.reading is not None
    return PendingModel(
        name=os.path.basename(seen.found.path),
        path=seen.found.path,
        size=seen.found.size,
        state=PendingState.HASHING if hashing else PendingState.SETTLING,
        hashed=seen.reading.hashed if seen.reading is not None else 0,
        reason=seen.reason,
    )
