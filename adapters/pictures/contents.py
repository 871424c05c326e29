"""Walks over the parts of picture files, without an image library.

The walks read PNG (ISO/IEC 15948), JPEG (ISO/IEC 10918-1) and WebP (RFC 9649). A walk copies
nothing: it yields where each part lies. A part that does not fit its file, and too many parts, end
the walk with UnreadablePicture.
"""

from collections.abc import Iterator
from typing import NamedTuple

from domain.errors import UnreadablePicture

__all__ = [
    "FRAMES",
    "JPEG",
    "PNG",
    "SCAN",
    "Part",
    "canvas_of_webp",
    "cut_off",
    "is_webp",
    "jpeg_segments",
    "media_type_of",
    "png_chunks",
    "webp_chunks",
]

PNG, JPEG, _RIFF, _WEBP = b"\x89PNG\r\n\x1a\n", b"\xff\xd8", b"RIFF", b"WEBP"
_MOST_PARTS = 10_000
"""An honest file of some megabytes has some hundreds of parts."""
# ISO/IEC 10918-1, table B.1: markers without content, and markers of a frame, which has a size.
_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_END, SCAN, _FILL = 0xD9, 0xDA, 0xFF


class Part(NamedTuple):
    """A part of a file: its kind, and the place of its content.

    Attributes:
        kind: The type of a chunk, or the marker of a JPEG's segment as one byte.
        start: The offset of the content.
        end: The offset behind the content.
    """

    kind: bytes
    start: int
    end: int


def media_type_of(data: bytes) -> str | None:
    """Return the media type that the first bytes say; None for any other file."""
    if data.startswith(PNG):
        return "image/png"
    if data.startswith(JPEG):
        return "image/jpeg"
    return "image/webp" if is_webp(data) else None


def is_webp(data: bytes) -> bool:
    """Whether a file begins as a WebP does."""
    return data.startswith(_RIFF) and data[8:12] == _WEBP


def png_chunks(data: bytes) -> Iterator[Part]:
    """Yield each chunk of a PNG before its IEND, which must be there. Checksums are not checked."""
    place = len(PNG)
    for _ in range(_MOST_PARTS):
        if place + 12 > len(data):
            raise cut_off()
        length = int.from_bytes(data[place : place + 4])
        part = Part(data[place + 4 : place + 8], place + 8, place + 8 + length)
        if part.end + 4 > len(data):
            raise cut_off()
        if part.kind == b"IEND":
            return
        yield part
        place = part.end + 4
    raise _too_many_parts()


def jpeg_segments(data: bytes) -> Iterator[Part]:
    """Yield each segment of a JPEG, up to its first scan, whose content is the rest of the file.

    The content of other segments begins behind their length. A JPEG without a scan ends the walk
    at its end marker.
    """
    place = len(JPEG)
    for _ in range(_MOST_PARTS):
        if place + 2 > len(data):
            raise cut_off()
        begin, marker = data[place], data[place + 1]
        if begin != _FILL:
            raise UnreadablePicture("is damaged: a marker is missing")
        if marker in (_END, SCAN):
            if data.rfind(bytes((_FILL, _END))) < place:
                raise cut_off()
            if marker == SCAN:
                yield Part(bytes((SCAN,)), place, len(data))
            return
        if marker in _ALONE or marker == _FILL:
            place += 1 if marker == _FILL else 2
            continue
        length = int.from_bytes(data[place + 2 : place + 4]) - 2
        if length < 0 or place + 4 + length > len(data):
            raise cut_off()
        yield Part(bytes((marker,)), place + 4, place + 4 + length)
        place += 4 + length
    raise _too_many_parts()


def webp_chunks(data: bytes) -> Iterator[Part]:
    """Yield each chunk of a WebP."""
    whole = 8 + int.from_bytes(data[4:8], "little")
    if len(data) < whole:
        raise cut_off()
    place = 12
    for _ in range(_MOST_PARTS):
        if place + 8 > whole:
            return
        length = int.from_bytes(data[place + 4 : place + 8], "little")
        part = Part(data[place : place + 4], place + 8, place + 8 + length)
        if part.end > whole:
            raise cut_off()
        yield part
        place = part.end + length % 2
    raise _too_many_parts()


def canvas_of_webp(data: bytes, start: int) -> tuple[int, int]:
    """Return the width and height that a VP8X chunk says, whose content begins at `start`."""
    width, height = (
        int.from_bytes(data[start + at : start + at + 3], "little") + 1 for at in (4, 7)
    )
    return width, height


def cut_off() -> UnreadablePicture:
    """Return the error of a file that ends too early."""
    return UnreadablePicture("is cut off")


def _too_many_parts() -> UnreadablePicture:
    return UnreadablePicture(f"has more than {_MOST_PARTS} parts")
