"""Reads the header of a GGUF file: texts and numbers, and the tensors with their places.

The format, from ggml-org/ggml `docs/gguf.md`: `GGUF`, version, counts of tensors and of entries;
the entries, each a name, a type and a value; then name, dimensions, type and place of each tensor;
then, from the next multiple of the alignment, the data. All numbers are little-endian. The first
dimension is the innermost one.

A header can claim anything. Each count and length is compared with the bytes that the file has
before anything of that size is read. Long values, such as vocabularies, are skipped.
"""

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import BinaryIO

from domain.checkpoints.header_values import UnreadableHeader
from domain.checkpoints.quantised.gguf.cursor import Cursor
from domain.checkpoints.quantised.gguf.types import TYPES, GgufType

__all__ = ["MAGIC", "RawGguf", "RawTensor", "read_raw_gguf"]

MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_MOST_TENSORS = 100_000
_MOST_ENTRIES = 110_000
_LONGEST_NAME = 500
_LONGEST_TEXT = 2**18
_KEPT_TEXTS = 2**22
_MOST_DIMENSIONS = 4
_LONGEST_LIST = 8
_DEEPEST = 4
_MOST_TEXTS = 2_000_000
_TEXT, _LIST, _BOOL = 8, 9, 7
# The formats of single values, by the number of their type.
_NUMBERS: Mapping[int, str] = {
    **{0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "B", 10: "Q", 11: "q", 12: "d"}
}


@dataclass(frozen=True, slots=True)
class RawTensor:
    """A tensor as the header tells it.

    Attributes:
        type: Its type.
        shape: Its dimensions, the outermost first.
        position: The position of its first byte in the file.
        size: Its bytes.
    """

    type: GgufType
    shape: tuple[int, ...]
    position: int
    size: int


@dataclass(frozen=True, slots=True)
class RawGguf:
    """A header.

    Attributes:
        tensors: The tensors, by the names in the file.
        metadata: Short texts and numbers, as texts.
        lists: Short lists of whole numbers.
        end: The position after the last byte of the last tensor.
    """

    tensors: Mapping[str, RawTensor]
    metadata: Mapping[str, str]
    lists: Mapping[str, tuple[int, ...]]
    end: int


def read_raw_gguf(file: BinaryIO, size: int) -> RawGguf:
    """Read the header of an open file of `size` bytes.

    The tensors may lie beyond `size`, which `end` then shows.

    Raises:
        UnreadableHeader: It is not a GGUF file, or its header makes no sense or is cut off.
        OSError: The file cannot be read.
    """
    cursor = Cursor(file, size)
    if cursor.take(min(size, 4)) != MAGIC[:size]:
        raise UnreadableHeader("it is not a GGUF file: it does not begin with GGUF")
    version = cursor.number("I")
    if version not in _VERSIONS:
        raise UnreadableHeader(_version_fault(version))
    tensors, entries = cursor.number("Q"), cursor.number("Q")
    _bound(tensors, _MOST_TENSORS, "tensors")
    _bound(entries, _MOST_ENTRIES, "entries")
    metadata, lists = _entries(cursor, entries)
    alignment = _alignment(metadata)
    found = [_tensor(cursor) for _ in range(tensors)]
    begin = -(-cursor.position // alignment) * alignment
    table: dict[str, RawTensor] = {}
    for name, kind, shape, offset in found:
        if name in table:
            raise UnreadableHeader(f"its header names '{_shown(name)}' twice")
        table[name] = RawTensor(kind, shape, begin + offset, _bytes(kind, shape))
    return RawGguf(table, metadata, lists, _end(table))


def _alignment(metadata: Mapping[str, str]) -> int:
    text = metadata.get("general.alignment", "32")
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 8 else 0
    if number == 0 or number & (number - 1):
        raise UnreadableHeader(f"its alignment is '{_shown(text)}', not a power of two")
    return number


def _entries(cursor: Cursor, count: int) -> tuple[dict[str, str], dict[str, tuple[int, ...]]]:
    metadata: dict[str, str] = {}
    lists: dict[str, tuple[int, ...]] = {}
    kept = 0
    for _ in range(count):
        name = cursor.text(_LONGEST_NAME, "an entry with a name")
        if name in metadata or name in lists:
            raise UnreadableHeader(f"its header names '{_shown(name)}' twice")
        kind = cursor.number("I")
        if kind in _NUMBERS:
            value = cursor.number(_NUMBERS[kind])
            metadata[name] = str(bool(value)) if kind == _BOOL else str(value)
        elif kind == _TEXT:
            metadata[name] = cursor.short_text(min(_LONGEST_TEXT, _KEPT_TEXTS - kept))
            kept += len(metadata[name])
        elif kind == _LIST:
            if (numbers := _list(cursor)) is not None:
                lists[name] = numbers
        else:
            raise UnreadableHeader(f"its entry '{_shown(name)}' has the unknown type {kind}")
    return metadata, lists


def _list(cursor: Cursor, depth: int = 1) -> tuple[int, ...] | None:
    """Read a list; return it if it is a short one of whole numbers."""
    kind, count = cursor.number("I"), cursor.number("Q")
    if kind in _NUMBERS:
        form = _NUMBERS[kind]
        if count <= _LONGEST_LIST and form not in "fd":
            return tuple(cursor.number(form) for _ in range(count))
        cursor.skip(count * struct.calcsize(form))
    elif kind == _TEXT:
        _bound(count, _MOST_TEXTS, "texts in a list")
        cursor.skip_texts(count)
    elif kind == _LIST and depth < _DEEPEST:
        _bound(count, _MOST_ENTRIES, "lists in a list")
        cursor.spend(count)
        for _ in range(count):
            _list(cursor, depth + 1)
    else:
        raise UnreadableHeader("a list of its header has an unknown type, or is nested too deeply")
    return None


def _tensor(cursor: Cursor) -> tuple[str, GgufType, tuple[int, ...], int]:
    name = cursor.text(_LONGEST_NAME, "a tensor with a name")
    dimensions = cursor.number("I")
    if dimensions > _MOST_DIMENSIONS:
        raise _fault(name, f"has {dimensions} dimensions; {_MOST_DIMENSIONS} are the most")
    sides = tuple(cursor.number("Q") for _ in range(dimensions))
    number = cursor.number("I")
    if (kind := TYPES.get(number)) is None:
        raise _fault(name, f"has the unknown type {number}")
    if sides and sides[0] % kind.block:
        raise _fault(name, f"has rows of {sides[0]}, not whole blocks of {kind.block}")
    if not sides and kind.block > 1:
        raise _fault(name, "has codes, but no dimensions")
    if math.prod(sides) >= 2**48:
        raise _fault(name, "has more numbers than any model")
    return name, kind, sides[::-1], cursor.number("Q")


def _bytes(kind: GgufType, shape: tuple[int, ...]) -> int:
    return math.prod(shape) // kind.block * kind.size


def _end(tensors: Mapping[str, RawTensor]) -> int:
    """Return the position after the last tensor. Raise UnreadableHeader if two overlap."""
    position = 0
    for name, tensor in sorted(tensors.items(), key=lambda each: (each[1].position, each[1].size)):
        if tensor.position < position:
            raise _fault(name, "overlaps another tensor")
        position = tensor.position + tensor.size
    return position


def _version_fault(version: int) -> str:
    if version == 1:
        return "it is a GGUF file of version 1, which no tool has written since 2023"
    return f"it is a GGUF file of version {version}; the service reads 2 and 3 (little-endian)"


def _bound(count: int, most: int, what: str) -> None:
    if count > most:
        raise UnreadableHeader(f"its header claims {count:,} {what}; {most:,} are the most")


def _fault(name: str, what: str) -> UnreadableHeader:
    return UnreadableHeader(f"its tensor '{_shown(name)}' {what}")


def _shown(text: str) -> str:
    return ascii(text[:100])[1:-1]
