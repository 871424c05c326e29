"""Reads the orientation in Exif; reads and writes its UserComment, which carries parameters."""

import struct

__all__ = ["exif_with_comment", "orientation", "user_comment"]

_ORDERS = {b"MM\0*": ">", b"II*\0": "<"}
# Exif 2.32, 4.6.3 and 4.6.5: the pointer to the Exif tags, and the tag of the comment. The comment
# begins with the name of its character code, in eight bytes.
_EXIF_TAGS, _USER_COMMENT = 0x8769, 0x9286
_ORIENTATION = 0x0112
_SHORT, _LONG, _UNDEFINED = 3, 4, 7
_CODE = 8
_UNICODE, _OTHERS = b"UNICODE\0", (b"ASCII\0\0\0", bytes(_CODE))
_INLINE = 4


def user_comment(exif: bytes) -> str:
    """Return the comment in a TIFF structure.

    It is empty if the structure holds no comment, or if `exif` is not a TIFF structure.

    Raises:
        struct.error: The structure is cut off.
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
        return ""  # not even the name of its character code
    (comment,) = struct.unpack_from(f"{length}s", exif, place)
    return _decoded(comment, order)


def orientation(exif: bytes) -> int:
    """Return the orientation in a TIFF structure, 1 to 8 (TIFF 6.0, section 8).

    It is 1 if the structure has none or another value, or is damaged, as in browsers.
    """
    order = _ORDERS.get(exif[:4])
    if order is None:
        return 1
    try:
        (first,) = struct.unpack_from(f"{order}I", exif, 4)
        entry = _entry(exif, order, first, _ORIENTATION)
        if entry is None:
            return 1
        kind, value = struct.unpack_from(f"{order}H4xH", exif, entry - 2)
    except struct.error:
        return 1
    return value if kind == _SHORT and 1 <= value <= 8 else 1


def exif_with_comment(comment: str) -> bytes:
    """Return Exif that holds a UserComment and nothing else.

    The text is UTF-16 after the word UNICODE. The standard does not define the byte order.
    AUTOMATIC1111 reads and writes the high byte first, and this Exif's header declares the same
    order. Pillow would mark the comment as a list of numbers, which AUTOMATIC1111 does not read as
    text.
    """
    value = _UNICODE + comment.encode("utf-16-be")
    # TIFF 6.0, section 2: the header's 8 bytes, then directories of one tag, of 18 bytes each.
    first, second, data = 8, 26, 44
    return b"Exif\0\0" + b"".join(
        (
            struct.pack(">2sHI", b"MM", 42, first),
            struct.pack(">HHHIII", 1, _EXIF_TAGS, _LONG, 1, second, 0),
            struct.pack(">HHHIII", 1, _USER_COMMENT, _UNDEFINED, len(value), data, 0),
            value,
        )
    )


def _entry(exif: bytes, order: str, directory: int, tag: int) -> int | None:
    """Return the offset of a tag's length in a directory (TIFF 6.0, section 2), or None."""
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
    # Exif does not define the byte order, and some tools do not follow the order of their own
    # header. In most languages' texts nearly every character has a zero as its high byte.
    if text[:2] in (b"\xfe\xff", b"\xff\xfe"):
        encoding = "utf-16"
    elif (high := text[::2].count(0)) != (low := text[1::2].count(0)):
        encoding = "utf-16-be" if high > low else "utf-16-le"
    else:
        encoding = "utf-16-be" if order == ">" else "utf-16-le"
    return text.decode(encoding, "replace").strip("\0 ")
