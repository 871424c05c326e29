"""Reads the parameters that `encode_picture` and other tools write into picture files.

It reads the parts of a file without an image library. Pillow 13 takes ten seconds for a JPEG that
begins with six megabytes of 0xFF, and decodes a whole PNG to look for its Exif.
"""

import struct
import zlib

from adapters.pictures.contents import (
    FRAMES,
    JPEG,
    PNG,
    cut_off,
    is_webp,
    jpeg_segments,
    png_chunks,
    webp_chunks,
)
from adapters.pictures.exif import user_comment
from domain.errors import UnreadablePicture
from domain.generation.parameters import PictureParameters

__all__ = ["read_parameters"]

_MOST_PIXELS = 16_384 * 16_384
"""The most pixels of a WebP. A file that claims more is made to harm a program that decodes it."""
_MOST_TEXT = 1_048_576
"""Bytes of all texts of a picture, unpacked."""
_PARAMETERS = "parameters"

_TEXTS = (b"tEXt", b"zTXt", b"iTXt")
_APP1 = 0xE1
_EXIF = b"Exif\0\0"


def read_parameters(data: bytes) -> PictureParameters:
    """Return the parameters of a picture file, as `PictureCodec.parameters` does."""
    if data.startswith(PNG):
        texts = _texts_of_png(data)
        text = texts.pop(_PARAMETERS, "")
        return PictureParameters(text, texts)
    if data.startswith(JPEG):
        return PictureParameters(_comment(_exif_of_jpeg(data)))
    if is_webp(data):
        return PictureParameters(_comment(_exif_of_webp(data)))
    raise UnreadablePicture("is not a PNG, JPEG or WebP file")


def _texts_of_png(data: bytes) -> dict[str, str]:
    texts: dict[str, str] = {}
    room = _MOST_TEXT
    for kind, start, end in png_chunks(data):
        if kind != b"IHDR" and kind not in _TEXTS:
            continue
        content = data[start:end]
        if zlib.crc32(kind + content) != int.from_bytes(data[end : end + 4]):
            raise UnreadablePicture("is damaged: a checksum is wrong")
        if kind == b"IHDR":
            if len(content) < 8:
                raise cut_off()
            _check_size(*struct.unpack_from(">II", content))
            continue
        name, text, encoding = _text(kind, content, room)
        room -= len(text)
        if room < 0:
            raise _too_much_text()
        texts[name] = text.decode(encoding, "replace")
    return texts


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
        raise cut_off()
    return text


def _exif_of_jpeg(data: bytes) -> bytes:
    exif = b""
    for (marker,), start, end in jpeg_segments(data):
        if marker in FRAMES and end - start >= 5:
            height, width = struct.unpack_from(">HH", data, start + 1)
            _check_size(width, height)
        elif marker == _APP1 and data.startswith(_EXIF, start) and not exif:
            exif = data[start:end]
    return exif


def _exif_of_webp(data: bytes) -> bytes:
    for kind, start, end in webp_chunks(data):
        if kind == b"VP8X" and end - start >= 10:
            sides = (
                int.from_bytes(data[start + at : start + at + 3], "little") + 1 for at in (4, 7)
            )
            _check_size(*sides)
        elif kind == b"EXIF":
            return data[start:end]
    return b""


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


def _too_much_text() -> UnreadablePicture:
    return UnreadablePicture(f"holds more than {_MOST_TEXT} bytes of text")
