"""Vocabularies of SentencePiece, written byte by byte."""

import struct
from collections.abc import Iterable

__all__ = ["SPECIAL", "spiece_model"]

SPECIAL = (("<pad>", 3), ("</s>", 3), ("<unk>", 2))
"""The first pieces of T5 and their types: control, control and unknown."""


def spiece_model(pieces: Iterable[tuple[str, int]], *, kind: int = 1) -> bytes:
    """Return a file of pieces with their types. `kind` is 1 for a unigram model, 2 for pairs."""
    listed = b"".join(
        _message(1, _message(1, text.encode()) + _number(2, -float(place)) + _count(3, each))
        for place, (text, each) in enumerate(pieces)
    )
    return listed + _message(2, _count(3, kind) + _count(40, 2)) + _message(3, _message(1, b"x"))


def _message(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _count(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _number(field: int, value: float) -> bytes:
    return _varint(field << 3 | 5) + struct.pack("<f", value)


def _varint(number: int) -> bytes:
    out = b""
    while number > 127:
        out, number = out + bytes([number & 127 | 128]), number >> 7
    return out + bytes([number])
