"""A folder that one process uses at a time."""

import logging
import os
from pathlib import Path
from threading import Lock

from filelock import FileLock, Timeout

from application.ports.sole_use import SoleUse
from domain.errors import StorageFault, StorageUnavailable

__all__ = ["FolderLock"]

_NAME = "in-use.lock"

_log = logging.getLogger(__name__)


class FolderLock(SoleUse):
    """A lock on a file in `folder`, which the system releases when the process ends.

    The file stays; its existence means nothing.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self._folder = Path(folder)
        self._taking = Lock()
        self._held: FileLock | None = None

    def take(self) -> bool:
        with self._taking:
            if self._held is not None:
                return True
            # Created here, because a lock from before a fork is useless in the child. The thread
            # that releases it may be another one than the thread that took it.
            lock = FileLock(self._folder / _NAME, timeout=0, mode=0o600, thread_local=False)
            try:
                self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                lock.acquire()
            except Timeout:
                return False
            except (OSError, NotImplementedError) as error:
                _log.error("the data folder cannot be locked: %s", error)
                raise StorageUnavailable(
                    "the data folder cannot be written to or locked", StorageFault.FOLDER
                ) from error
            self._held = lock
            return True

    def release(self) -> None:
        with self._taking:
            if self._held is not None:
                self._held.release()
                self._held = None
