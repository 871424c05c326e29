"""The byte-pair vocabulary that all CLIP text encoders of Stable Diffusion share.

Published by OpenAI with CLIP (MIT licence, see LICENSE.clip) as `bpe_simple_vocab_16e6.txt.gz`;
`tools/fetch_clip_vocabulary.py` puts the merges that CLIP uses here, as `clip_merges.txt.gz`.
"""

import gzip
import json
from functools import cache
from importlib.resources import files

__all__ = ["merges_text", "vocabulary_text"]

_RESOURCE = "clip_merges.txt.gz"


@cache
def merges_text() -> str:
    """The file `merges.txt`: a version line, then two symbols a line, most frequent pair first."""
    return gzip.decompress((files(__package__) / _RESOURCE).read_bytes()).decode("utf-8")


@cache
def vocabulary_text() -> str:
    """The file `vocab.json`: each of the 49,408 symbols and its number.

    The numbers follow from the merges, as in openai/CLIP, `simple_tokenizer.py`: 256 bytes, the
    same at a word's end, one symbol a merge, and the two marks.
    """
    symbols = [_byte_symbol(byte) for byte in _bytes_in_order()]
    symbols += [f"{symbol}</w>" for symbol in symbols]
    symbols += [line.replace(" ", "") for line in merges_text().splitlines()[1:]]
    symbols += ["<|startoftext|>", "<|endoftext|>"]
    return json.dumps({symbol: number for number, symbol in enumerate(symbols)})


def _printable(byte: int) -> bool:
    return 33 <= byte <= 126 or 161 <= byte <= 172 or 174 <= byte <= 255


def _bytes_in_order() -> list[int]:
    """The printable bytes of Latin-1, then the others."""
    return sorted(range(256), key=lambda byte: (not _printable(byte), byte))


def _byte_symbol(byte: int) -> str:
    """The character that stands for a byte; those that do not print stand above 255."""
    if _printable(byte):
        return chr(byte)
    return chr(256 + sum(not _printable(other) for other in range(byte)))
