"""The numbers of ggml's blocks, one after another in Python, from its description.

Source: ggml-org/ggml `src/ggml-common.h` (the layout of the blocks) and the formulas of
`src/ggml-quants.c` (`dequantize_row_*`). Everything is float64, but for the scales that ggml stores
as float16.
"""

import struct
from collections.abc import Callable, Iterator, Mapping

__all__ = ["FORMULAS"]

Formula = Callable[[bytes], list[float]]

_IQ4 = (-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113)


def _half(data: bytes, place: int) -> float:
    (value,) = struct.unpack_from("<e", data, place)
    return float(value)


def _nibbles(data: bytes) -> list[int]:
    """Return the lower halves of all bytes, then the upper ones."""
    return [byte & 15 for byte in data] + [byte >> 4 for byte in data]


def _fifth_bits(data: bytes) -> list[int]:
    (bits,) = struct.unpack("<I", data)
    return [bits >> place & 1 for place in range(32)]


def _q4_0(block: bytes) -> list[float]:
    return [_half(block, 0) * (code - 8) for code in _nibbles(block[2:])]


def _q4_1(block: bytes) -> list[float]:
    return [_half(block, 0) * code + _half(block, 2) for code in _nibbles(block[4:])]


def _q5_0(block: bytes) -> list[float]:
    high, low = _fifth_bits(block[2:6]), _nibbles(block[6:])
    return [_half(block, 0) * (a + 16 * b - 16) for a, b in zip(low, high, strict=True)]


def _q5_1(block: bytes) -> list[float]:
    high, low = _fifth_bits(block[4:8]), _nibbles(block[8:])
    scale, least = _half(block, 0), _half(block, 2)
    return [scale * (a + 16 * b) + least for a, b in zip(low, high, strict=True)]


def _q8_0(block: bytes) -> list[float]:
    return [_half(block, 0) * code for code in struct.unpack("<32b", block[2:])]


def _q2_k(block: bytes) -> list[float]:
    scales, codes = block[:16], block[16:80]
    scale, least = _half(block, 80), _half(block, 82)
    found = []
    for place in range(256):
        half, rest = divmod(place, 128)
        code = codes[half * 32 + rest % 32] >> 2 * (rest // 32) & 3
        of_it = scales[place // 16]
        found.append(scale * (of_it & 15) * code - least * (of_it >> 4))
    return found


def _q3_k(block: bytes) -> list[float]:
    masks, codes, packed, scale = block[:32], block[32:96], block[96:108], _half(block, 108)
    scales = []
    for place in range(16):
        low = packed[place % 8] >> 4 * (place // 8) & 15
        high = packed[8 + place % 4] >> 2 * (place // 4) & 3
        scales.append(low + 16 * high - 32)
    found = []
    for place in range(256):
        half, rest = divmod(place, 128)
        code = codes[half * 32 + rest % 32] >> 2 * (rest // 32) & 3
        is_set = masks[rest % 32] >> (4 * half + rest // 32) & 1
        found.append(scale * scales[place // 16] * (code - (0 if is_set else 4)))
    return found


def _six_bits(packed: bytes) -> Iterator[tuple[int, int]]:
    """Yield scale and minimum of each 32 numbers, of 6 bits each."""
    for place in range(8):
        if place < 4:
            yield packed[place] & 63, packed[place + 4] & 63
        else:
            low, high = packed[place + 4], packed[place - 4] >> 6
            yield low & 15 | high << 4, low >> 4 | (packed[place] >> 6) << 4


def _q4_k(block: bytes) -> list[float]:
    scale, least, packed, codes = _half(block, 0), _half(block, 2), block[4:16], block[16:]
    found = []
    for group, (of_it, minimum) in enumerate(_six_bits(packed)):
        part = codes[group // 2 * 32 : group // 2 * 32 + 32]
        for byte in part:
            found.append(scale * of_it * (byte >> 4 * (group % 2) & 15) - least * minimum)
    return found


def _q5_k(block: bytes) -> list[float]:
    scale, least, packed = _half(block, 0), _half(block, 2), block[4:16]
    high, codes = block[16:48], block[48:]
    found = []
    for group, (of_it, minimum) in enumerate(_six_bits(packed)):
        for place in range(32):
            code = codes[group // 2 * 32 + place] >> 4 * (group % 2) & 15
            code += 16 * (high[place] >> group & 1)
            found.append(scale * of_it * code - least * minimum)
    return found


def _q6_k(block: bytes) -> list[float]:
    low, high, scale = block[:128], block[128:192], _half(block, 208)
    scales = struct.unpack("<16b", block[192:208])
    found = []
    for place in range(256):
        half, rest = divmod(place, 128)
        code = low[half * 64 + rest % 64] >> 4 * (rest // 64) & 15
        code |= (high[half * 32 + rest % 32] >> 2 * (rest // 32) & 3) << 4
        found.append(scale * scales[place // 16] * (code - 32))
    return found


def _iq4_nl(block: bytes) -> list[float]:
    return [_half(block, 0) * _IQ4[code] for code in _nibbles(block[2:])]


def _iq4_xs(block: bytes) -> list[float]:
    scale, (high,) = _half(block, 0), struct.unpack_from("<H", block, 2)
    found = []
    for group in range(8):
        low = block[4 + group // 2] >> 4 * (group % 2) & 15
        of_it = low | (high >> 2 * group & 3) << 4
        part = block[8 + 16 * group : 24 + 16 * group]
        found += [scale * (of_it - 32) * _IQ4[code] for code in _nibbles(part)]
    return found


FORMULAS: Mapping[str, Formula] = {
    **{"Q4_0": _q4_0, "Q4_1": _q4_1, "Q5_0": _q5_0, "Q5_1": _q5_1, "Q8_0": _q8_0},
    **{"Q2_K": _q2_k, "Q3_K": _q3_k, "Q4_K": _q4_k, "Q5_K": _q5_k, "Q6_K": _q6_k},
    **{"IQ4_NL": _iq4_nl, "IQ4_XS": _iq4_xs},
}
"""The numbers of a block, by ggml's name of the type."""
