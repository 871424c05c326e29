"""Reduces picture files of strangers to what a decoder needs.

A decoder meets neither texts, thumbnails, further frames nor profiles. So none of them can harm it,
and the size is known before it allocates anything.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from adapters.pictures.contents import (
    FRAMES,
    JPEG,
    PNG,
    SCAN,
    Part,
    canvas_of_webp,
    cut_off,
    jpeg_segments,
    media_type_of,
    png_chunks,
    webp_chunks,
)
from adapters.pictures.exif import orientation
from domain.errors import UnreadablePicture

__all__ = ["StrippedPicture", "stripped"]

_MOST_SCANS = 64
"""Encoders write some ten scans. A decoder goes through the whole picture for each scan, also for
one of a few bytes."""
_MOST_PROFILE = 4 * 2**20
"""Bytes. Profiles of printers are the largest, and have two megabytes."""
_HEADER = ">IIBBBBB"
_GREY, _RGB, _PALETTE = 0, 2, 3
_APP0, _APP1, _APP2, _APP14 = 0xE0, 0xE1, 0xE2, 0xEE
_TABLES = frozenset({0xC4, 0xCC, 0xDB, 0xDD, _APP0, _APP14})
"""Huffman, arithmetic and quantisation tables, the restart interval, and the segments of JFIF and
Adobe, which say how colours are stored."""
_EXIF, _ICC = b"Exif\0\0", b"ICC_PROFILE\0"
_VP8_START = b"\x9d\x01\x2a"
_VP8L_SIGNATURE = 0x2F
_SIDE_BITS = 0x3FFF


@dataclass(frozen=True, slots=True, kw_only=True)
class StrippedPicture:
    """A picture file without what a decoder need not read.

    Attributes:
        media_type: The media type of the content.
        width: Pixels, as they are stored.
        height: Pixels, as they are stored.
        file: The reduced file.
        orientation: The Exif orientation, 1 to 8.
        profile: The ICC profile; None without one.
        transparent: The one transparent colour of a PNG, in 16 bits a channel if `is_deep` and else
            in 8; None without one.
        is_deep: Whether a PNG has 16 bits a channel.
    """

    media_type: str
    width: int
    height: int
    file: bytes = field(repr=False)
    orientation: int = 1
    profile: bytes | None = field(default=None, repr=False)
    transparent: int | tuple[int, ...] | None = None
    is_deep: bool = False


def stripped(data: bytes) -> StrippedPicture:
    """Return the picture in a PNG, JPEG or WebP file, reduced. Its pixels are not decoded.

    Raises:
        UnreadablePicture: `data` is not such a file, is cut off, or is made to harm a decoder.
    """
    reader = _READERS.get(media_type_of(data) or "")
    if reader is None:
        raise UnreadablePicture("is not a PNG, JPEG or WebP file")
    try:
        return reader(data)
    except (struct.error, IndexError) as error:
        raise UnreadablePicture("is damaged: a part is too short") from error


def _png(data: bytes) -> StrippedPicture:
    chunks = list(png_chunks(data))
    if not chunks or chunks[0].kind != b"IHDR":
        raise UnreadablePicture("is damaged: its header is missing")
    header = data[chunks[0].start : chunks[0].end]
    width, height, depth, colour, *_ = struct.unpack(_HEADER, header)
    kept = [(b"IHDR", header)]
    profile, turned, transparent = None, 1, None
    for kind, start, end in chunks[1:]:
        if kind == b"PLTE" or (kind == b"tRNS" and colour == _PALETTE):
            kept.append((kind, data[start:end]))
        elif kind == b"tRNS":
            transparent = _transparent(data[start:end], depth, colour)
        elif kind == b"iCCP":
            profile = _unpacked_profile(data[start:end])
        elif kind == b"eXIf":
            turned = orientation(data[start:end])
    pixels = b"".join(data[part.start : part.end] for part in chunks if part.kind == b"IDAT")
    kept += [(b"IDAT", pixels), (b"IEND", b"")]
    return StrippedPicture(
        media_type="image/png",
        width=width,
        height=height,
        file=PNG + b"".join(_chunk(kind, content) for kind, content in kept),
        orientation=turned,
        profile=profile,
        transparent=transparent,
        is_deep=depth == 16,
    )


def _chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(content, zlib.crc32(kind))
    return b"".join((struct.pack(">I", len(content)), kind, content, struct.pack(">I", checksum)))


def _transparent(content: bytes, depth: int, colour: int) -> int | tuple[int, ...] | None:
    """Return the transparent colour of a PNG without a palette (ISO/IEC 15948, 11.3.2.1)."""
    if colour == _RGB:
        red, green, blue = struct.unpack(">HHH", content)
        return red, green, blue
    if colour != _GREY:
        return None
    grey = int.from_bytes(content[:2])
    # Pixels of 1, 2 and 4 bits are spread over all levels of 8 bits when they are decoded.
    return grey if depth >= 8 else grey * 255 // (2**depth - 1)


def _unpacked_profile(content: bytes) -> bytes | None:
    packed = content.partition(b"\0")[2][1:]
    unpacker = zlib.decompressobj()
    try:
        profile = unpacker.decompress(packed, _MOST_PROFILE)
    except zlib.error:
        return None
    return profile if unpacker.eof else None


def _jpeg(data: bytes) -> StrippedPicture:
    kept = [JPEG]
    size: tuple[int, int] | None = None
    exif, profiles = b"", {}
    for part in jpeg_segments(data):
        (marker,), start, end = part
        if marker == SCAN:
            kept.append(data[start:end])
            if data.count(bytes((0xFF, SCAN)), start) > _MOST_SCANS:
                raise UnreadablePicture(f"has more than {_MOST_SCANS} scans")
        elif marker in FRAMES:
            if size is not None:
                raise UnreadablePicture("is damaged: it has two frames")
            height, width = struct.unpack_from(">HH", data, start + 1)
            size = width, height
            kept.append(data[start - 4 : end])
        elif marker in _TABLES:
            kept.append(data[start - 4 : end])
        elif marker == _APP1 and data.startswith(_EXIF, start) and not exif:
            exif = data[start + len(_EXIF) : end]
        elif marker == _APP2 and data.startswith(_ICC, start):
            number = data[start + len(_ICC)]
            profiles[number] = data[start + len(_ICC) + 2 : end]
    if size is None or len(kept) < 2:
        raise UnreadablePicture("is damaged: it has no frame")
    profile = b"".join(profiles[number] for number in sorted(profiles))
    return StrippedPicture(
        media_type="image/jpeg",
        width=size[0],
        height=size[1],
        file=b"".join(kept),
        orientation=orientation(exif),
        profile=profile if 0 < len(profile) <= _MOST_PROFILE else None,
    )


def _webp(data: bytes) -> StrippedPicture:
    parts = list(webp_chunks(data))
    profile, turned = None, 1
    for kind, start, end in parts:
        if kind == b"ICCP" and end - start <= _MOST_PROFILE:
            profile = data[start:end]
        elif kind == b"EXIF":
            turned = orientation(data[start:end].removeprefix(_EXIF))
    width, height = _size_of_webp(data, iter(parts))
    return StrippedPicture(
        media_type="image/webp",
        width=width,
        height=height,
        file=data[: 8 + int.from_bytes(data[4:8], "little")],
        orientation=turned,
        profile=profile,
    )


def _size_of_webp(data: bytes, parts: Iterator[Part]) -> tuple[int, int]:
    """Return the size of the canvas, or of a single picture (RFC 9649, sections 2.5 to 2.7)."""
    for kind, start, end in parts:
        content = data[start : min(end, start + 10)]
        if len(content) < 5:
            continue
        if kind == b"VP8X" and len(content) == 10:
            return canvas_of_webp(data, start)
        if kind == b"VP8 " and content[3:6] == _VP8_START:
            width, height = struct.unpack_from("<HH", content, 6)
            return width & _SIDE_BITS, height & _SIDE_BITS
        if kind == b"VP8L" and content[0] == _VP8L_SIGNATURE:
            bits = int.from_bytes(content[1:5], "little")
            return (bits & _SIDE_BITS) + 1, (bits >> 14 & _SIDE_BITS) + 1
    raise cut_off()


_READERS = {"image/png": _png, "image/jpeg": _jpeg, "image/webp": _webp}
