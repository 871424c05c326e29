"""Bytes and values that are known to confuse readers of files."""

import random

__all__ = ["mutated_bytes", "odd_value"]

_INTEGERS = (0, 1, -1, 2**15, 2**31 - 1, 2**31, 2**32, 2**53, 2**63 - 1, 2**63, 10**12, 10**30)
_TEXTS = ("", "x", "x" * 5000, "\0", "é", "../../etc/passwd", "os", "\ud800", "{{ 7 * 7 }}", "a*a*")


def odd_value(chance: random.Random, depth: int = 0) -> object:
    """Return a JSON value that a field is unlikely to have."""
    kind = chance.randrange(8 if depth < 4 else 6)
    if kind < 2:
        return chance.choice(_INTEGERS) + chance.choice((-1, 0, 1))
    if kind == 2:
        return chance.choice((0.0, -0.5, 1e-300, 1e300, 0.5))
    if kind == 3:
        return chance.choice(_TEXTS[:-3])
    if kind == 4:
        return chance.choice((None, True, False))
    if kind == 5:
        return [chance.choice(_INTEGERS)] * chance.choice((0, 1, 9, 400, 30_000))
    if kind == 6:
        return [odd_value(chance, depth + 1) for _ in range(chance.randrange(5))]
    return {chance.choice(("type", "a", "vocab")): odd_value(chance, depth + 1) for _ in range(3)}


def mutated_bytes(chance: random.Random, data: bytes) -> bytes:
    """Return `data` with up to eight changes: flips, numbers, cuts, repetitions, swaps."""
    changed = bytearray(data)
    for _ in range(chance.randint(1, 8)):
        if not changed:
            break
        place = chance.randrange(len(changed))
        kind = chance.randrange(6)
        if kind == 0:
            changed[place] ^= 1 << chance.randrange(8)
        elif kind == 1:
            changed[place] = chance.randrange(256)
        elif kind == 2:
            size = chance.choice((1, 2, 4, 8))
            number = chance.choice(_INTEGERS) & (256**size - 1)
            changed[place : place + size] = number.to_bytes(size, "little")
        elif kind == 3:
            del changed[place : place + chance.randint(1, 40)]
        elif kind == 4:
            piece = changed[place : place + chance.randint(1, 40)]
            changed[place:place] = piece * chance.randint(1, 50)
        else:
            other = chance.randrange(len(changed))
            changed[place], changed[other] = changed[other], changed[place]
    if chance.random() < 0.1:
        del changed[chance.randrange(len(changed) + 1) :]
    return bytes(changed)
