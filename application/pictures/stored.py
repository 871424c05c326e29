"""Pictures that outlive the process."""

import hashlib
import re
import time
from collections.abc import Callable

from application.pictures.pictures import MAX_PICTURE_BYTES, KeptPicture, Pictures, inspected
from application.pictures.shelf import PictureShelf
from application.ports.picture_index import KnownPicture, PictureIndex
from application.ports.result_store import ResultStore
from domain.errors import PictureNotFound
from domain.pictures import MOST_PIXELS_SENT, PictureRef
from domain.ports.picture_codec import PictureCodec

__all__ = ["StoredPictures"]

_ID = re.compile(r"[0-9a-f]{64}")


class StoredPictures(Pictures):
    """Pictures of a service.

    A drawn picture is found by its id among the files of its job. If a request names it, it gets a
    file of its own, because the request may outlive that job.

    Args:
        index: Knows who has which picture.
        shelf: Has the files of pictures.
        results: Has the files of jobs.
        codec: Reads pictures that were sent.
        claim: Called before a picture is kept. Raises if another process uses the same folder, or
            if this one ends.
        max_bytes: The most bytes of a file that a caller sends.
        now: Seconds since 1970.
    """

    def __init__(
        self,
        index: PictureIndex,
        shelf: PictureShelf,
        results: ResultStore,
        codec: PictureCodec,
        *,
        claim: Callable[[], None],
        max_bytes: int = MAX_PICTURE_BYTES,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._index = index
        self._shelf = shelf
        self._results = results
        self._codec = codec
        self._claim = claim
        self._max_bytes = max_bytes
        self._now = now

    def inspect(self, data: bytes) -> PictureRef:
        return inspected(self._codec, data, self._max_bytes)

    def keep(self, caller: str, data: bytes, ref: PictureRef | None = None) -> KeptPicture:
        ref = ref or self.inspect(data)
        self._claim()
        is_new = self._shelf.put(caller, ref, data, at=self._now(), is_sent=True)
        return KeptPicture(ref, is_new)

    def find(self, caller: str, picture_id: str) -> PictureRef:
        found = self._found(caller, picture_id, used_at=self._now())
        if found.is_kept and self._shelf.has(found.ref.id):
            return found.ref
        if found.ref.pixels > MOST_PIXELS_SENT:
            return found.ref  # no request takes it, so it needs no file of its own
        data = self._drawn_file(found)
        if data is None:
            raise PictureNotFound(picture_id)
        self._claim()
        self._shelf.put(caller, found.ref, data, at=self._now(), is_sent=False)
        return found.ref

    def file(self, caller: str, picture_id: str) -> tuple[PictureRef, bytes]:
        found = self._found(caller, picture_id)
        data = self._shelf.read(found.ref.id) if found.is_kept else None
        if data is None:
            data = self._drawn_file(found)
        if data is None:
            raise PictureNotFound(picture_id)
        return found.ref, data

    def read(self, picture_id: str) -> bytes:
        data = self._shelf.read(picture_id) if _ID.fullmatch(picture_id) else None
        if data is None:
            raise PictureNotFound(picture_id)
        return data

    def _found(self, caller: str, picture_id: str, *, used_at: float | None = None) -> KnownPicture:
        found = None
        if _ID.fullmatch(wanted := picture_id.lower()):
            found = self._index.find(caller, wanted, used_at=used_at)
        if found is None:
            raise PictureNotFound(picture_id)
        return found

    def _drawn_file(self, found: KnownPicture) -> bytes | None:
        """Return the file among those of the job that drew it; None if it is gone or damaged."""
        if found.drawn is None:
            return None
        data = self._results.read(found.drawn.token, found.drawn.number)
        whole = data is not None and hashlib.sha256(data).hexdigest() == found.ref.id
        return data if whole else None
