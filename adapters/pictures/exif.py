"""The UserComment of Exif, where JPEG and WebP carry their parameters."""

import struct

__all__ = ["user_comment"]

_ORDERS = {b"MM\0*": ">", b"II*\0": "<"}
# Exif 2.32, 4.6.3 and 4.6.5: the pointer to the Exif tags, and one of them, which begins with the
# name of its characters in eight bytes.
_EXIF_TAGS, _USER_COMMENT = 0x8769, 0x9286
_CODE = 8
_UNICODE, _OTHERS = b"UNICODE\0", (b"ASCII\0\0\0", bytes(_CODE))
_INLINE = 4


def user_comment(exif: bytes) -> str:
    """The comment in a TIFF structure; empty when there is none, or no such structure.

    Raises struct.error where it is cut off.
    """
    order = _ORDERS.get(exif[:4])
    if order is None:
        return ""
    (first,) = struct.unpack_from(f"{order}I", exif, 4)
    pointer = _entry(exif, order, first, _EXIF_TAGS)
    if pointer is None:
        return ""
    entry = _entry(
        exif, order, struct.unpack_from(f"{order}I", exif, pointer + 4)[0], _USER_COMMENT
    )
    if entry is None:
        return ""
    length, place = struct.unpack_from(f"{order}II", exif, entry)
    if length <= _INLINE:
        return ""  # not even the name of its characters
    (comment,) = struct.unpack_from(f"{length}s", exif, place)
    return _decoded(comment, order)


def _entry(exif: bytes, order: str, directory: int, tag: int) -> int | None:
    """Where the length of a tag stands in a directory (TIFF 6.0, section 2)."""
    (entries,) = struct.unpack_from(f"{order}H", exif, directory)
    for number in range(entries):
        place = directory + 2 + 12 * number
        if struct.unpack_from(f"{order}H", exif, place)[0] == tag:
            return place + 4
    return None


def _decoded(comment: bytes, order: str) -> str:
    code, text = comment[:_CODE], comment[_CODE:]
    if code != _UNICODE:
        text = text if code in _OTHERS else comment
        return text.decode("utf-8", "replace").strip("\0 ")
    # In which order the bytes are Exif does not say, and tools differ from their own header. What
    # people write has a zero in nearly every character, on the side of the high byte.
    if text[:2] in (b"\xfe\xff", b"\xff\xfe"):
        encoding = "utf-16"
    elif (high := text[::2].count(0)) != (low := text[1::2].count(0)):
        encoding = "utf-16-be" if high > low else "utf-16-le"
    else:
        encoding = "utf-16-be" if order == ">" else "utf-16-le"
    return text.decode(encoding, "replace").strip("\0 ")
