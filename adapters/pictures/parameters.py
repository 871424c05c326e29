"""Reads the parameters that `encode_picture` and other tools write into picture files.

It reads the parts of a file without an image library. Pillow 13 takes ten seconds for a JPEG that
begins with six megabytes of 0xFF, and decodes a whole PNG to look for its Exif.
"""

import struct
import zlib
from collections.abc import Iterator

from adapters.pictures.exif import user_comment
from domain.errors import UnreadablePicture
from domain.generation.picture_parameters import PictureParameters

__all__ = ["read_parameters"]

_MOST_PIXELS = 16_384 * 16_384
"""The most pixels of a WebP. A file that claims more is made to harm a program that decodes it."""
_MOST_PARTS = 10_000
"""An honest file of some megabytes has some hundreds of parts."""
_MOST_TEXT = 1_048_576
"""Bytes of all texts of a picture, unpacked."""
_PARAMETERS = "parameters"

_PNG, _JPEG, _RIFF = b"\x89PNG\r\n\x1a\n", b"\xff\xd8", b"RIFF"
_TEXTS = (b"tEXt", b"zTXt", b"iTXt")
# ISO/IEC 10918-1, table B.1: markers without content, and markers of a frame, which has a size.
_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_END, _SCAN, _APP1, _FILL = 0xD9, 0xDA, 0xE1, 0xFF
_EXIF = b"Exif\0\0"


def read_parameters(data: bytes) -> PictureParameters:
    """Return the parameters of a picture file, as `PictureCodec.parameters` does.

    It reads PNG (ISO/IEC 15948), JPEG (ISO/IEC 10918-1 with Exif) and WebP (RFC 9649).
    """
    if data.startswith(_PNG):
        texts = _texts_of_png(data)
        text = texts.pop(_PARAMETERS, "")
        return PictureParameters(text, texts)
    if data.startswith(_JPEG):
        return PictureParameters(_comment(_exif_of_jpeg(data)))
    if data.startswith(_RIFF) and data[8:12] == b"WEBP":
        return PictureParameters(_comment(_exif_of_webp(data)))
    raise UnreadablePicture("is not a PNG, JPEG or WebP file")


def _texts_of_png(data: bytes) -> dict[str, str]:
    texts: dict[str, str] = {}
    room = _MOST_TEXT
    for kind, content in _chunks_of_png(data):
        if kind == b"IHDR":
            if len(content) < 8:
                raise _cut_off()
            _check_size(*struct.unpack_from(">II", content))
        elif kind in _TEXTS:
            name, text, encoding = _text(kind, content, room)
            room -= len(text)
            if room < 0:
                raise _too_much_text()
            texts[name] = text.decode(encoding, "replace")
    return texts


def _chunks_of_png(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the type and content of the header and of each text."""
    place = len(_PNG)
    for _ in range(_MOST_PARTS):
        if place + 12 > len(data):
            raise _cut_off()
        length, kind = struct.unpack_from(">I4s", data, place)
        end = place + 12 + length
        if end > len(data):
            raise _cut_off()
        if kind == b"IEND":
            return
        if kind == b"IHDR" or kind in _TEXTS:
            content = data[place + 8 : end - 4]
            if zlib.crc32(kind + content) != int.from_bytes(data[end - 4 : end], "big"):
                raise UnreadablePicture("is damaged: a checksum is wrong")
            yield kind, content
        place = end
    raise _too_many_parts()


def _text(kind: bytes, content: bytes, room: int) -> tuple[str, bytes, str]:
    """Return the name, the text and the encoding of a text chunk."""
    name, _, rest = content.partition(b"\0")
    encoding, packed = "latin-1", kind == b"zTXt"
    if packed:
        rest = rest[1:]
    elif kind == b"iTXt":
        encoding, packed = "utf-8", rest[:1] == b"\1"
        rest = rest[2:].partition(b"\0")[2].partition(b"\0")[2]
    return name.decode("latin-1"), _unpacked(rest, room) if packed else rest, encoding


def _unpacked(packed: bytes, room: int) -> bytes:
    unpacker = zlib.decompressobj()
    try:
        text = unpacker.decompress(packed, room + 1)
    except zlib.error as error:
        raise UnreadablePicture("is damaged: its text cannot be unpacked") from error
    if len(text) <= room and not unpacker.eof:
        raise _cut_off()
    return text


def _exif_of_jpeg(data: bytes) -> bytes:
    place = len(_JPEG)
    exif = b""
    for _ in range(_MOST_PARTS):
        if place + 2 > len(data):
            raise _cut_off()
        begin, marker = data[place], data[place + 1]
        if begin != _FILL:
            raise UnreadablePicture("is damaged: a marker is missing")
        if marker in (_END, _SCAN):
            if data.rfind(bytes((_FILL, _END))) < place:
                raise _cut_off()
            return exif
        if marker in _ALONE or marker == _FILL:
            place += 1 if marker == _FILL else 2
            continue
        segment = data[place + 4 : place + 4 + _length(data, place + 2)]
        if marker in _FRAMES and len(segment) >= 5:
            height, width = struct.unpack_from(">HH", segment, 1)
            _check_size(width, height)
        elif marker == _APP1 and segment.startswith(_EXIF) and not exif:
            exif = segment
        place += 4 + len(segment)
    raise _too_many_parts()


def _length(data: bytes, place: int) -> int:
    """Return the number of bytes that follow a segment's length field, which is at `place`."""
    length = int.from_bytes(data[place : place + 2], "big") - 2
    if length < 0 or place + 2 + length > len(data):
        raise _cut_off()
    return length


def _exif_of_webp(data: bytes) -> bytes:
    whole = 8 + int.from_bytes(data[4:8], "little")
    if len(data) < whole:
        raise _cut_off()
    place = 12
    for _ in range(_MOST_PARTS):
        if place + 8 > whole:
            return b""
        kind, length = struct.unpack_from("<4sI", data, place)
        content = data[place + 8 : place + 8 + length]
        if place + 8 + length > whole:
            raise _cut_off()
        if kind == b"VP8X" and length >= 10:
            sides = (int.from_bytes(content[at : at + 3], "little") + 1 for at in (4, 7))
            _check_size(*sides)
        elif kind == b"EXIF":
            return content
        place += 8 + length + length % 2
    raise _too_many_parts()


def _comment(exif: bytes) -> str:
    if len(exif) > _MOST_TEXT:
        raise _too_much_text()
    try:
        return user_comment(exif.removeprefix(_EXIF))
    except struct.error as error:
        raise UnreadablePicture("is damaged: its Exif is cut off") from error


def _check_size(width: int, height: int) -> None:
    if not 0 < width * height <= _MOST_PIXELS:
        raise UnreadablePicture(
            f"claims to have {width} × {height} pixels; it may have {_MOST_PIXELS} at most"
        )


def _cut_off() -> UnreadablePicture:
    return UnreadablePicture("is cut off")


def _too_many_parts() -> UnreadablePicture:
    return UnreadablePicture(f"has more than {_MOST_PARTS} parts")


def _too_much_text() -> UnreadablePicture:
    return UnreadablePicture(f"holds more than {_MOST_TEXT} bytes of text")
