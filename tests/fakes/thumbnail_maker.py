"""A maker whose small pictures are labels of the large ones."""

from domain.errors import UnreadablePicture
from domain.ports.thumbnail_maker import ThumbnailMaker

__all__ = ["FakeThumbnailMaker"]

_SIGNATURES = (b"\x89PNG", b"\xff\xd8\xff", b"RIFF")


class FakeThumbnailMaker(ThumbnailMaker):
    """`made` holds every picture that was made smaller, in order."""

    def __init__(self) -> None:
        self.made: list[bytes] = []

    def make(self, data: bytes) -> bytes:
        if not data.startswith(_SIGNATURES) or len(data) < 16:
            raise UnreadablePicture("cannot be read as a PNG, JPEG or WebP file")
        self.made.append(data)
        return b"RIFF\x04\x00\x00\x00WEBP" + len(data).to_bytes(4, "big")
