"""Storages and the tensors that are views of them, as torch's pickles describe them.

The descriptions are the arguments of the functions in `torch/_utils.py`.
"""

import math
from dataclasses import dataclass

from domain.checkpoints.header_values import DTYPE_BITS, TensorFacts, UnreadableHeader

__all__ = [
    "LARGEST_REPEATED_BYTES",
    "MOST_DIMENSIONS",
    "Storage",
    "StoredTensor",
    "name_text",
    "stored_tensor",
    "whole",
]

MOST_DIMENSIONS = 64
LARGEST_REPEATED_BYTES = 2**28
"""Of a tensor that shows stored elements more than once. The largest tensor of SDXL has 253 MB in
float32: 49,408 tokens by 1,280 numbers."""
_LONGEST_NAME = 500


@dataclass(frozen=True, slots=True)
class Storage:
    """A run of elements that tensors are views of.

    Attributes:
        key: Its name within the file.
        dtype: Element type by torch's name; an untyped storage counts bytes, `uint8`.
        elements: How many elements it has.
    """

    key: str
    dtype: str
    elements: int

    @property
    def size(self) -> int:
        """Size in bytes."""
        return self.elements * DTYPE_BITS[self.dtype] // 8


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """A tensor as a view of a storage; it lies inside of the storage.

    Attributes:
        storage: Where its elements are.
        dtype: Element type by torch's name.
        offset: Of its first element, in elements.
        shape: Extent of each dimension in elements.
        strides: Elements from one to the next, for each dimension.
    """

    storage: Storage
    dtype: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    @property
    def facts(self) -> TensorFacts:
        """Its type and shape."""
        return TensorFacts(self.dtype, self.shape)

    @property
    def repeated_bytes(self) -> int:
        """Bytes that a copy of it takes beyond those of its storage."""
        return max(0, math.prod(self.shape) * DTYPE_BITS[self.dtype] // 8 - self.storage.size)


def stored_tensor(
    storage: object = None,
    offset: object = None,
    shape: object = None,
    strides: object = None,
    *,
    dtype: str | None = None,
) -> StoredTensor:
    """The tensor that torch would make as a view of a storage; offset and strides in elements.

    Raises:
        UnreadableHeader: It reaches outside of its storage, or repeats it without measure.
        TypeError: An argument is of another kind.
    """
    extents, steps = _counts(shape), _counts(strides)
    if not isinstance(storage, Storage) or len(steps) != len(extents):
        raise UnreadableHeader("its pickle describes a tensor that torch could not build")
    kind = dtype or storage.dtype
    first = whole(offset)
    last = first + sum((extent - 1) * step for extent, step in zip(extents, steps, strict=True))
    if all(extents) and (last + 1) * DTYPE_BITS[kind] > storage.size * 8:
        raise UnreadableHeader("its pickle describes a tensor that reaches outside of its data")
    tensor = StoredTensor(storage, kind, first, extents, steps)
    if tensor.repeated_bytes > LARGEST_REPEATED_BYTES:
        raise UnreadableHeader("its pickle describes a tensor that is far larger than its data")
    return tensor


def whole(value: object) -> int:
    """A count that fits 64 bits; raises TypeError for anything else."""
    if type(value) is not int or not 0 <= value < 2**63:
        raise TypeError("not a count")
    return value


def _counts(value: object) -> tuple[int, ...]:
    if not isinstance(value, tuple | list) or len(value) > MOST_DIMENSIONS:
        raise TypeError("not a shape")
    return tuple(whole(count) for count in value)


def name_text(value: object) -> str:
    """A name. Nothing else is made one: an object of a file's making has no bounded text.

    Raises:
        UnreadableHeader: It is no text, or is longer than any name.
    """
    if not isinstance(value, str):
        raise UnreadableHeader("its pickle holds something else where a name belongs")
    if len(value) > _LONGEST_NAME:
        raise UnreadableHeader("its pickle holds a name that is longer than any tensor's")
    return value
