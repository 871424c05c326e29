"""A maker whose thumbnails are labels of the large images."""

from domain.errors import UnreadablePicture
from domain.ports.thumbnail_maker import ThumbnailMaker

__all__ = ["FakeThumbnailMaker"]

_SIGNATURES = (b"\x89PNG", b"\xff\xd8\xff", b"RIFF")


class FakeThumbnailMaker(ThumbnailMaker):
    """It can read nothing while it is `broken`."""

    def __init__(self) -> None:
        self.broken = False

    def make(self, data: bytes) -> bytes:
        if self.broken or not data.startswith(_SIGNATURES) or len(data) < 16:
            raise UnreadablePicture("cannot be read as a PNG, JPEG or WebP file")
        return b"RIFF\x04\x00\x00\x00WEBP" + len(data).to_bytes(4, "big")
