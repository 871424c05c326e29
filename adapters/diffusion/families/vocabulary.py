"""The byte-pair vocabulary that all CLIP text encoders of Stable Diffusion share.

OpenAI published it with CLIP (MIT licence, see LICENSE.clip) as `bpe_simple_vocab_16e6.txt.gz`.
`tools/fetch_clip_vocabulary.py` writes the merges that CLIP uses to `clip_merges.txt.gz`.
"""

import gzip
import json
from functools import cache
from importlib.resources import files

__all__ = ["byte_symbol", "bytes_in_order", "merges_text", "vocabulary_text"]

_RESOURCE = "clip_merges.txt.gz"


@cache
def merges_text() -> str:
    """Return `merges.txt`: a version line, then a pair of symbols a line, most frequent first."""
    return gzip.decompress((files(__package__) / _RESOURCE).read_bytes()).decode("utf-8")


@cache
def vocabulary_text() -> str:
    """Return `vocab.json`: each of the 49,408 symbols and its number.

    The numbers follow from the merges, as in openai/CLIP, `simple_tokenizer.py`: first the 256
    bytes, then the 256 bytes at the end of a word, then one symbol for each merge, then the two
    marks of start and end.
    """
    symbols = [byte_symbol(byte) for byte in bytes_in_order()]
    symbols += [f"{symbol}</w>" for symbol in symbols]
    symbols += [line.replace(" ", "") for line in merges_text().splitlines()[1:]]
    symbols += ["<|startoftext|>", "<|endoftext|>"]
    return json.dumps({symbol: number for number, symbol in enumerate(symbols)})


def _printable(byte: int) -> bool:
    return 33 <= byte <= 126 or 161 <= byte <= 172 or 174 <= byte <= 255


def bytes_in_order() -> list[int]:
    """Return the printable bytes of Latin-1, then the others."""
    return sorted(range(256), key=lambda byte: (not _printable(byte), byte))


def byte_symbol(byte: int) -> str:
    """Return the character of a byte. The character of a byte that does not print is above 255."""
    if _printable(byte):
        return chr(byte)
    return chr(256 + sum(not _printable(other) for other in range(byte)))
