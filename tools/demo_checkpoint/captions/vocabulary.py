"""The tokenizer's files: CLIP's byte-level BPE, with a vocabulary of the captions' words only."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Final

__all__ = ["END", "START", "merges_for", "tokenizer_files", "write_tokenizer"]

START: Final = "<|startoftext|>"
END: Final = "<|endoftext|>"

Merge = tuple[str, str]


def byte_symbols() -> list[str]:
    """Return the 256 characters that stand for bytes in byte-level BPE, in byte order (GPT-2)."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    spare = iter(range(0x100, 0x200))
    return [chr(byte if byte in printable else next(spare)) for byte in range(256)]


def _apply(pieces: list[str], ranks: dict[Merge, int]) -> list[str]:
    """Merge neighbours, the lowest rank first, until no merge applies."""
    while True:
        pairs = [pair for pair in pairwise(pieces) if pair in ranks]
        if not pairs:
            return pieces
        best = min(pairs, key=ranks.__getitem__)
        merged: list[str] = []
        for piece in pieces:
            if merged and (merged[-1], piece) == best:
                merged[-1] += piece
            else:
                merged.append(piece)
        pieces = merged


def merges_for(words: list[str]) -> list[Merge]:
    """List merges that make each word one token.

    A merge is only ever appended, with the lowest priority so far: words that are complete already
    stay complete.
    """
    ranks: dict[Merge, int] = {}
    for word in words:
        pieces = [*word[:-1], word[-1] + "</w>"]
        while len(pieces := _apply(pieces, ranks)) > 1:
            ranks[pieces[0], pieces[1]] = len(ranks)
    return list(ranks)


def tokenizer_files(words: list[str]) -> dict[str, str]:
    """Return the files of a CLIPTokenizer folder, name to text."""
    merges = merges_for(words)
    symbols = byte_symbols()
    tokens = symbols + [symbol + "</w>" for symbol in symbols]
    tokens += [first + second for first, second in merges]
    tokens += [START, END]
    config = {
        "tokenizer_class": "CLIPTokenizer",
        "model_max_length": 77,
        "bos_token": START,
        "eos_token": END,
        "unk_token": END,
        "pad_token": END,
        "do_lower_case": True,
    }
    special = {key: config[key] for key in ("bos_token", "eos_token", "unk_token", "pad_token")}
    lines = ["#version: 0.2", *(f"{first} {second}" for first, second in merges)]
    return {
        "vocab.json": json.dumps({token: number for number, token in enumerate(tokens)}),
        "merges.txt": "\n".join(lines) + "\n",
        "tokenizer_config.json": json.dumps(config, indent=2),
        "special_tokens_map.json": json.dumps(special, indent=2),
    }


def write_tokenizer(folder: Path, words: list[str]) -> None:
    """Write the tokenizer's files into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in tokenizer_files(words).items():
        (folder / name).write_text(text, encoding="utf-8")
