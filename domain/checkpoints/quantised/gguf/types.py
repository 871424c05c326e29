"""The types of GGUF's tensors: numbers, and blocks of codes.

Source: ggml-org/ggml `include/ggml.h` (`ggml_type`) and `src/ggml-common.h` (the blocks), with the
sizes of gguf 0.19 (`constants.py`, `GGML_QUANT_SIZES`); llama.cpp `include/llama.h`
(`llama_ftype`), which `general.file_type` of the metadata means.
"""

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["FILE_TYPES", "TYPES", "GgufType"]


@dataclass(frozen=True, slots=True)
class GgufType:
    """A type of tensors.

    Attributes:
        name: ggml's name.
        block: Numbers of a block, which lie in one row.
        size: Bytes of a block.
        dtype: The type by torch's name; None for codes.
        readable: Whether the service turns such codes into numbers.
    """

    name: str
    block: int
    size: int
    dtype: str | None = None
    readable: bool = False


def _codes(name: str, block: int, size: int) -> GgufType:
    return GgufType(name, block, size, readable=name in _READABLE)


_READABLE = frozenset(
    {
        *("Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0"),
        *("Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_NL", "IQ4_XS"),
    }
)

TYPES: Mapping[int, GgufType] = {
    0: GgufType("F32", 1, 4, "float32"),
    1: GgufType("F16", 1, 2, "float16"),
    2: _codes("Q4_0", 32, 18),
    3: _codes("Q4_1", 32, 20),
    6: _codes("Q5_0", 32, 22),
    7: _codes("Q5_1", 32, 24),
    8: _codes("Q8_0", 32, 34),
    9: _codes("Q8_1", 32, 40),
    10: _codes("Q2_K", 256, 84),
    11: _codes("Q3_K", 256, 110),
    12: _codes("Q4_K", 256, 144),
    13: _codes("Q5_K", 256, 176),
    14: _codes("Q6_K", 256, 210),
    15: _codes("Q8_K", 256, 292),
    16: _codes("IQ2_XXS", 256, 66),
    17: _codes("IQ2_XS", 256, 74),
    18: _codes("IQ3_XXS", 256, 98),
    19: _codes("IQ1_S", 256, 50),
    20: _codes("IQ4_NL", 32, 18),
    21: _codes("IQ3_S", 256, 110),
    22: _codes("IQ2_S", 256, 82),
    23: _codes("IQ4_XS", 256, 136),
    24: GgufType("I8", 1, 1, "int8"),
    25: GgufType("I16", 1, 2, "int16"),
    26: GgufType("I32", 1, 4, "int32"),
    27: GgufType("I64", 1, 8, "int64"),
    28: GgufType("F64", 1, 8, "float64"),
    29: _codes("IQ1_M", 256, 56),
    30: GgufType("BF16", 1, 2, "bfloat16"),
    34: _codes("TQ1_0", 256, 54),
    35: _codes("TQ2_0", 256, 66),
    39: _codes("MXFP4", 32, 17),
    40: _codes("NVFP4", 64, 36),
    41: _codes("Q1_0", 128, 18),
}

FILE_TYPES: Mapping[str, str] = {
    "2": "Q4_0",
    "3": "Q4_1",
    "7": "Q8_0",
    "8": "Q5_0",
    "9": "Q5_1",
    "10": "Q2_K",
    "11": "Q3_K_S",
    "12": "Q3_K_M",
    "13": "Q3_K_L",
    "14": "Q4_K_S",
    "15": "Q4_K_M",
    "16": "Q5_K_S",
    "17": "Q5_K_M",
    "18": "Q6_K",
    "21": "Q2_K_S",
    "25": "IQ4_NL",
    "30": "IQ4_XS",
}
"""Names of `general.file_type`, by its number. Such files hold further types beside that one."""
