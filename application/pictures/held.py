"""Pictures in the memory of this process."""

import threading

from application.pictures.pictures import MAX_PICTURE_BYTES, KeptPicture, Pictures, inspected
from domain.errors import PictureNotFound
from domain.pictures import PictureRef
from domain.ports.picture_codec import PictureCodec

__all__ = ["HeldPictures"]


class HeldPictures(Pictures):
    """Pictures of a program without a server, such as the command line. They end with it.

    Args:
        codec: Reads the pictures.
        max_bytes: The most bytes of a file.
    """

    def __init__(self, codec: PictureCodec, *, max_bytes: int = MAX_PICTURE_BYTES) -> None:
        self._codec = codec
        self._max_bytes = max_bytes
        self._files: dict[str, bytes] = {}
        self._refs: dict[tuple[str, str], PictureRef] = {}
        self._changing = threading.Lock()

    def inspect(self, data: bytes) -> PictureRef:
        return inspected(self._codec, data, self._max_bytes)

    def keep(self, caller: str, data: bytes, ref: PictureRef | None = None) -> KeptPicture:
        ref = ref or self.inspect(data)
        with self._changing:
            is_new = (caller, ref.id) not in self._refs
            self._refs[caller, ref.id] = ref
            self._files[ref.id] = data
        return KeptPicture(ref, is_new)

    def find(self, caller: str, picture_id: str) -> PictureRef:
        try:
            return self._refs[caller, picture_id.lower()]
        except KeyError:
            raise PictureNotFound(picture_id) from None

    def file(self, caller: str, picture_id: str) -> tuple[PictureRef, bytes]:
        ref = self.find(caller, picture_id)
        return ref, self._files[ref.id]

    def read(self, picture_id: str) -> bytes:
        try:
            return self._files[picture_id]
        except KeyError:
            raise PictureNotFound(picture_id) from None
