"""Hostile GGUF files, each made from a seed."""

import math
import random
import struct

from domain.checkpoints.quantised.gguf.types import TYPES
from tests.fuzz.values import mutated_bytes
from tests.unit.checkpoints.quantised.gguf_files import entry, gguf_file, list_of, text

__all__ = ["gguf_of"]

_NAMES = ("token_embd.weight", "shared.weight", "blk.0.attn_q.weight", "pos_embed", "a" * 600, "")
_ARCHITECTURES = ("flux", "t5encoder", "qwen3", "gemma2", "")
_ODD = (0, 1, 2**31, 2**32 - 1, 2**60, 2**63, 2**64 - 1)


def gguf_of(seed: int) -> bytes:
    """Return a file whose header lies, or whose bytes are changed; some are valid."""
    chance = random.Random(f"gguf {seed}")
    tensors: dict[str, tuple[tuple[int, ...], int, bytes]] = {}
    for number in range(chance.randrange(5)):
        kind = chance.choice(list(TYPES))
        shape = tuple(chance.randrange(4) for _ in range(chance.randrange(3)))
        shape = (*shape, TYPES[kind].block * chance.randrange(1, 3))
        size = math.prod(shape) // TYPES[kind].block * TYPES[kind].size
        name = chance.choice((f"layer.{number}.weight", f"layer.{number}.weight", *_NAMES))
        tensors[name] = (shape, kind, chance.randbytes(size))
    entries = [entry("general.architecture", chance.choice(_ARCHITECTURES))]
    entries += [_entry(chance, number) for number in range(chance.randrange(5))]
    data = gguf_file(tensors, entries)
    kind_of_change = chance.randrange(4)
    if kind_of_change == 0:
        return data
    if kind_of_change == 1:
        return mutated_bytes(chance, data)
    changed = bytearray(data)
    for _ in range(chance.randint(1, 3)):
        form, odd = chance.choice((("<I", 32), ("<Q", 64)))
        place = chance.randrange(4, max(5, min(len(changed) - 8, 400)))
        value = chance.choice(_ODD) % 2**odd
        changed[place : place + odd // 8] = struct.pack(form, value)
    return bytes(changed)


def _entry(chance: random.Random, number: int) -> bytes:
    name = f"key.{number}"
    kind = chance.randrange(6)
    if kind == 0:
        return entry(name, chance.choice(("", "x" * 5000, "tail")))
    if kind == 1:
        return entry("general.alignment", chance.choice((8, 32, 64, 0, 3, 2**30)))
    if kind == 2:
        values = [f"word {each}" for each in range(chance.choice((0, 3, 3000)))]
        return entry(name, list_of(values, kind=8))
    if kind == 3:
        shape = [chance.randrange(-1, 5) for _ in range(chance.randrange(4))]
        return entry(f"comfy.gguf.orig_shape.layer.{chance.randrange(4)}.weight", list_of(shape))
    if kind == 4:
        count = chance.choice(_ODD)
        return entry(name, list_of([], count=count % 2**64, kind=chance.choice((0, 5, 8, 9, 12))))
    return text(name) + struct.pack("<I", chance.choice((7, 8, 9, 13, 2**31))) + chance.randbytes(9)
