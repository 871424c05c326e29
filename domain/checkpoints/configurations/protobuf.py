"""Reads messages of Protocol Buffers, field by field.

The encoding: https://protobuf.dev/programming-guides/encoding/.
"""

from collections.abc import Iterator

__all__ = ["message_fields"]

_VARINT, _EIGHT, _BYTES, _FOUR = 0, 1, 2, 5


def message_fields(content: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield the number and the value of each field of a message of protobuf.

    Raises:
        IndexError: The message ends inside a field, or has one of an unknown kind.
    """
    place = 0
    while place < len(content):
        key, place = _varint(content, place)
        number, kind = key >> 3, key & 7
        if kind == _VARINT:
            value, place = _varint(content, place)
            yield number, value
            continue
        if kind == _BYTES:
            length, place = _varint(content, place)
        elif kind in (_EIGHT, _FOUR):
            length = 8 if kind == _EIGHT else 4
        else:
            raise IndexError
        if place + length > len(content):
            raise IndexError
        yield number, content[place : place + length]
        place += length


def _varint(content: bytes, place: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        byte = content[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
    raise IndexError
