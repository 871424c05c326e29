"""GGUF files for tests, written byte by byte from the format: lies where a test wants them."""

import struct
from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["GgufEntry", "entry", "gguf_file", "list_of", "listed_tensor", "text"]

GgufEntry = bytes
_TYPES = {int: 4, float: 6, bool: 7, str: 8}


def text(value: str | bytes, *, length: int | None = None) -> bytes:
    """Return a text with its length, or with a length that it has not."""
    data = value.encode() if isinstance(value, str) else value
    return struct.pack("<Q", len(data) if length is None else length) + data


def entry(name: str, value: Any) -> GgufEntry:
    """Return an entry of the metadata: a text, a truth, a number, or what `list_of` returns."""
    if isinstance(value, bytes):
        return text(name) + struct.pack("<I", 9) + value
    forms = {int: "<I", float: "<f", bool: "<?"}
    kind = type(value)
    data = text(value) if kind is str else struct.pack(forms[kind], value)
    return text(name) + struct.pack("<I", _TYPES[kind]) + data


def list_of(values: Iterable[Any], *, count: int | None = None, kind: int | None = None) -> bytes:
    """Return a list of texts or of 32-bit numbers, or of a type and a count that it has not."""
    found = list(values)
    are_texts = any(isinstance(value, str) for value in found)
    data = b"".join(text(v) if are_texts else struct.pack("<i", v) for v in found)
    told = (8 if are_texts else 5) if kind is None else kind
    return struct.pack("<IQ", told, len(found) if count is None else count) + data


def listed_tensor(
    name: str, shape: tuple[int, ...], kind: int, offset: int, *, dimensions: int | None = None
) -> bytes:
    """Return the entry of a tensor. `shape` has the outermost dimension first, as in torch."""
    count = len(shape) if dimensions is None else dimensions
    sides = struct.pack(f"<{len(shape)}Q", *reversed(shape))
    return text(name) + struct.pack("<I", count) + sides + struct.pack("<IQ", kind, offset)


def gguf_file(
    tensors: Mapping[str, tuple[tuple[int, ...], int, bytes]],
    entries: Iterable[GgufEntry] = (),
    *,
    alignment: int = 32,
) -> bytes:
    """Return a valid file.

    Args:
        tensors: The shape, the number of the type, and the data of each tensor.
        entries: The metadata.
        alignment: As the metadata tells it, or 32.
    """
    listed, data, end = [], [], 0
    for name, (shape, kind, content) in tensors.items():
        listed.append(listed_tensor(name, shape, kind, end))
        data += [content, bytes(-len(content) % alignment)]
        end += len(data[-2]) + len(data[-1])
    found = list(entries)
    start = b"GGUF" + struct.pack("<IQQ", 3, len(listed), len(found))
    header = start + b"".join(found) + b"".join(listed)
    return b"".join((header, bytes(-len(header) % alignment), *data))
