"""Write the vocabulary of T5 1.1 as the service reads it, from the file of its authors.

    python -m tools.make_t5_vocabulary spiece.model

`spiece.model` is published with google/t5-v1_1-xxl, and with FLUX.1 and Stable Diffusion 3 (Apache
licence 2.0). It is a message of SentencePiece (`sentencepiece_model.proto`): field 1 is a piece
with its text (1) and its score (2), field 3 has the table that normalises characters (2).
"""

import base64
import gzip
import hashlib
import json
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

__all__ = ["main", "vocabulary_of"]

_SHA256: Final = "d60acb128cf7b7f2536e8f38a5b18a05535c9e14c7a355904270e15b0945ea86"
_TARGET: Final = (
    Path(__file__).parent.parent / "adapters" / "diffusion" / "vocabularies" / "t5_pieces.json.gz"
)
_PIECES, _NORMALISER = 1, 3
_TEXT, _SCORE, _TABLE = 1, 2, 2
_VARINT, _EIGHT, _BYTES, _FOUR = 0, 1, 2, 5


def main() -> None:
    """Check, convert and write; raises SystemExit with the reason of a failure."""
    if len(sys.argv) != 2:
        raise SystemExit("usage: python -m tools.make_t5_vocabulary spiece.model")
    published = Path(sys.argv[1]).read_bytes()
    found = hashlib.sha256(published).hexdigest()
    if found != _SHA256:
        raise SystemExit(f"{sys.argv[1]} has the SHA-256 {found}; it must be {_SHA256}")
    text = json.dumps(vocabulary_of(published), ensure_ascii=False, separators=(",", ":"))
    # Without a time and a name in it, the same pieces give the same file.
    _TARGET.write_bytes(gzip.compress(text.encode("utf-8"), compresslevel=9, mtime=0))
    print(f"{_TARGET}: {_TARGET.stat().st_size:,} bytes")


def vocabulary_of(model: bytes) -> dict[str, object]:
    """Return `pieces`, each with its score, and `characters`, the table in base64.

    A score is a number of 32 bits. It has as many digits as tell it from its neighbours.
    """
    pieces: list[list[object]] = []
    table = b""
    for number, value in _fields(model):
        if number == _PIECES:
            fields = dict(_fields(value))
            (score,) = struct.unpack("<f", fields[_SCORE])
            pieces.append([fields[_TEXT].decode("utf-8"), score])
        elif number == _NORMALISER:
            table = dict(_fields(value))[_TABLE]
    return {"pieces": pieces, "characters": base64.b64encode(table).decode("ascii")}


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the number and the bytes of each field of a message of Protocol Buffers."""
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        kind = key & 7
        if kind == _BYTES:
            size, place = _varint(message, place)
        elif kind in (_EIGHT, _FOUR):
            size = 8 if kind == _EIGHT else 4
        elif kind == _VARINT:
            size = _varint(message, place)[1] - place
        else:
            raise SystemExit(f"the field {key >> 3} has the unknown kind {kind}")
        yield key >> 3, message[place : place + size]
        place += size


def _varint(message: bytes, place: int) -> tuple[int, int]:
    """Return a whole number, and the place after it."""
    number, shift = 0, 0
    while True:
        byte = message[place]
        number |= (byte & 127) << shift
        place, shift = place + 1, shift + 7
        if byte < 128:
            return number, place


if __name__ == "__main__":
    main()
