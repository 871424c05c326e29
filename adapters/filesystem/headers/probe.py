"""The values of the few tensors whose data listing needs: `PROBES` of `domain.checkpoints`."""

import math
import struct
from collections.abc import Mapping
from typing import BinaryIO

from domain.checkpoints.header_values import DTYPE_BITS, TensorFacts

__all__ = ["read_probe"]

_MOST_VALUES = 4096
"""The largest of them has one value for each of a layer's channels: 320 in published models."""
_MOST_DIMENSIONS = 4
_FORMATS: Mapping[str, str] = {"float64": "d", "float32": "f", "float16": "e"}


def read_probe(file: BinaryIO, facts: TensorFacts, begin: int) -> tuple[float, ...] | None:
    """Read the values of a tensor that lies at byte `begin` in one piece, or None if it is odd.

    A tensor of more dimensions than four, of more than 4,096 values, of a type that is not a
    floating-point type of 16 bits or more, or with a value that is not finite is odd.

    Raises:
        OSError: The file cannot be read.
    """
    count = math.prod(facts.shape)
    if len(facts.shape) > _MOST_DIMENSIONS or not 0 < count <= _MOST_VALUES:
        return None
    is_brain = facts.dtype == "bfloat16"
    if not is_brain and facts.dtype not in _FORMATS:
        return None
    file.seek(begin)
    data = file.read(count * DTYPE_BITS[facts.dtype] // 8)
    if len(data) * 8 != count * DTYPE_BITS[facts.dtype]:
        return None
    if is_brain:  # the upper half of a float32
        words = struct.unpack(f"<{count}H", data)
        data, form = struct.pack(f"<{count}I", *(word << 16 for word in words)), "f"
    else:
        form = _FORMATS[facts.dtype]
    values = struct.unpack(f"<{count}{form}", data)
    return values if all(map(math.isfinite, values)) else None
