"""Thumbnails by Pillow."""

import io

from PIL import Image

from domain.errors import UnreadablePicture
from domain.ports.thumbnail_maker import ThumbnailMaker

__all__ = ["PillowThumbnailMaker"]

_LONGER_SIDE = 384
"""Pixels: a tile of the page is at most 190 CSS pixels wide, and many screens have two to one."""
_QUALITY = 80
_EFFORT = 2
"""Of WebP's 0 to 6. Its default of 4 takes twice as long to save a twentieth of the bytes."""
_GAP = 2.0
"""Pillow halves the picture by averaging until it is this much larger than asked for, and resamples
only then: twice as fast, and not visible (`Image.thumbnail`, `reducing_gap`).
"""
_FORMATS = ("PNG", "JPEG", "WEBP")


class PillowThumbnailMaker(ThumbnailMaker):
    """384 pixels on the longer side, WebP of quality 80: some kilobytes."""

    def make(self, data: bytes) -> bytes:
        stream = io.BytesIO()
        try:
            with Image.open(io.BytesIO(data), formats=_FORMATS) as picture:
                picture.thumbnail((_LONGER_SIDE, _LONGER_SIDE), reducing_gap=_GAP)
                small = picture.convert("RGB")
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            raise UnreadablePicture("cannot be read as a PNG, JPEG or WebP file") from error
        small.save(stream, "WEBP", quality=_QUALITY, method=_EFFORT)
        return stream.getvalue()
