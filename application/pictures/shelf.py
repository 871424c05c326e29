"""Files of pictures and what is known of them, kept in step."""

import hashlib
import logging
import threading
from collections.abc import Collection

from application.job import Job
from application.pictures.keyed_locks import KeyedLocks
from application.ports.picture_index import PictureIndex
from application.ports.picture_store import PictureStore
from domain.errors import StorageUnavailable
from domain.pictures import PictureRef

__all__ = ["PictureShelf"]

_SOON_SECONDS = 0.3
"""How long a caller waits for a file to be removed. After that, the next `retire` removes it."""
_SPARED_SECONDS = 60.0
"""A picture that was used so lately stays, even if there is no room: a request is about to name it.
"""
_FLOOD_SHARE = 4
"""Between two `retire`, new pictures may take this share of the room, a quarter."""
_FLOOD_BYTES = 268_435_456
"""They may take this much in any case."""

_log = logging.getLogger(__name__)


class PictureShelf:
    """Picture files, each there once and as long as a caller has the picture.

    A file is written after the index knows of it, and removed after the index has forgotten it, by
    one thread at a time for each picture. So a picture that is sent while it is removed is there
    afterwards. A process that ends in between leaves a file that nobody has, which the next `sweep`
    removes, or a picture without its file. That picture counts as one that is not there, until it
    is sent again or its time is over. Any thread may call any method, and each may raise
    StorageUnavailable.

    Args:
        index: Knows who has which picture.
        store: Has the files.
        retention_seconds: How long a picture stays after its last use.
        retention_bytes: The most bytes of all jobs and pictures.
    """

    def __init__(
        self,
        index: PictureIndex,
        store: PictureStore,
        *,
        retention_seconds: float,
        retention_bytes: int,
    ) -> None:
        self._index = index
        self._store = store
        self._retention_seconds = retention_seconds
        self._retention_bytes = retention_bytes
        self._locks = KeyedLocks()
        self._counting = threading.Lock()
        self._new_bytes = 0
        self._undone: set[tuple[str, str]] = set()
        """Pictures of callers whose files could not be written."""
        self._loose: set[str] = set()
        """Pictures whose files could not be removed yet."""

    def put(self, caller: str, ref: PictureRef, data: bytes, *, at: float, is_sent: bool) -> bool:
        """Keep a picture file of a caller.

        Returns:
            False if the caller had the picture before, sent or drawn.
        """
        with self._locks.held(ref.id):
            is_new = self._index.add(caller, ref, at=at, is_sent=is_sent)
            try:
                if self._store.read(ref.id) != data:  # it is new, or the file was damaged
                    self._take_room(len(data))
                    self._store.write(ref.id, data)
            except StorageUnavailable:
                if is_new:
                    self._take_back(caller, ref.id)
                raise
            self._undone.discard((caller, ref.id))
            return is_new

    def read(self, picture_id: str) -> bytes | None:
        """Return the file of a picture; None if it is gone or damaged."""
        data = self._store.read(picture_id)
        if data is None or hashlib.sha256(data).hexdigest() == picture_id:
            return data
        _log.error("the file of the picture %s is damaged", picture_id)
        return None

    def has(self, picture_id: str) -> bool:
        """Return whether the file of a picture is there."""
        return self._store.has(picture_id)

    def forget(self, job: Job) -> None:
        """Forget the pictures that a job has drawn, before the job itself is forgotten.

        Their files are removed now, or by the next `retire`.
        """
        self._remove_unknown(self._index.forget(job), seconds=_SOON_SECONDS)

    def retire(self, now: float) -> None:
        """Remove pictures past their retention, after the jobs past theirs were removed."""
        for caller, picture_id in list(self._undone):
            with self._locks.held(picture_id):
                if (caller, picture_id) in self._undone:
                    self._index.take_back(caller, picture_id)
                    self._undone.remove((caller, picture_id))
        gone = self._index.retire(
            used_before=now - self._retention_seconds,
            sparing=now - _SPARED_SECONDS,
            keep_bytes=self._retention_bytes,
        )
        with self._counting:
            self._new_bytes = 0
        self._remove_unknown({*gone, *self._loose})

    def sweep(self, *, has_jobs: bool) -> None:
        """Remove files that no caller has, and catch up with jobs of earlier releases.

        A process that was killed left such files. If neither jobs nor pictures are known, all files
        stay, because the database may be another one.
        """
        after: int | None = 0
        while after is not None:
            after = self._index.catch_up(after)
        known = self._index.ids()
        if known or has_jobs:
            self._store.keep_only(known)

    def _take_room(self, size: int) -> None:
        """Count new bytes. Raises StorageUnavailable if there are too many since the last `retire`.

        Old pictures make room in `retire` alone. Without this bound, callers could fill the disk
        before it.
        """
        room = max(_FLOOD_BYTES, self._retention_bytes // _FLOOD_SHARE)
        with self._counting:
            if self._new_bytes + size > room:
                raise StorageUnavailable(
                    f"more than {room} bytes of new pictures were sent within a minute"
                )
            self._new_bytes += size

    def _take_back(self, caller: str, picture_id: str) -> None:
        try:
            self._index.take_back(caller, picture_id)
        except StorageUnavailable:
            self._undone.add((caller, picture_id))

    def _remove_unknown(
        self, picture_ids: Collection[str], *, seconds: float | None = None
    ) -> None:
        """Remove the files that no caller has, now or with the next `retire`. Raises nothing."""
        self._loose.update(picture_ids)
        for picture_id in picture_ids:
            try:
                with self._locks.held(picture_id, seconds=seconds):
                    if not self._index.is_known(picture_id):
                        self._store.remove(picture_id)
                    self._loose.discard(picture_id)
            except StorageUnavailable as error:
                _log.warning("the file of a picture is removed later: %s", error)
