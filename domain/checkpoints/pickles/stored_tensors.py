"""Storages, and tensors that are views of them, as torch's pickles describe them.

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
"""Bytes of a tensor that shows stored elements more than once. The largest tensor of SDXL has
253 MB in float32: 49,408 tokens by 1,280 numbers."""
_LONGEST_NAME = 500


@dataclass(frozen=True, slots=True)
class Storage:
    """A sequence of elements that tensors are views of.

    Attributes:
        key: Its name within the file.
        dtype: Element type by torch's name; an untyped storage has bytes, `uint8`.
        elements: The number of its elements.
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
    """A tensor as a view of a storage. It lies inside the storage.

    Attributes:
        storage: The storage of its elements.
        dtype: Element type by torch's name.
        offset: Index of its first element in the storage.
        shape: Size of each dimension in elements.
        strides: Distance of neighbours in elements, for each dimension.
    """

    storage: Storage
    dtype: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    @property
    def facts(self) -> TensorFacts:
        """The tensor's type and shape."""
        return TensorFacts(self.dtype, self.shape)

    @property
    def repeated_bytes(self) -> int:
        """The bytes of a copy of the tensor beyond those of its storage."""
        return max(0, math.prod(self.shape) * DTYPE_BITS[self.dtype] // 8 - self.storage.size)


def stored_tensor(
    storage: object = None,
    offset: object = None,
    shape: object = None,
    strides: object = None,
    *,
    dtype: str | None = None,
) -> StoredTensor:
    """Return the tensor that torch would make as a view of a storage.

    Offset and strides are in elements.

    Raises:
        UnreadableHeader: The tensor reaches outside its storage, or repeats it too often.
        TypeError: An argument has the wrong type.
    """
    extents, steps = _counts(shape), _counts(strides)
    if not isinstance(storage, Storage) or len(steps) != len(extents):
        raise UnreadableHeader("its pickle describes a tensor that torch could not build")
    kind = dtype or storage.dtype
    first = whole(offset)
    last = first + sum((extent - 1) * step for extent, step in zip(extents, steps, strict=True))
    if all(extents) and (last + 1) * DTYPE_BITS[kind] > storage.size * 8:
        raise UnreadableHeader("its pickle describes a tensor that reaches outside its data")
    tensor = StoredTensor(storage, kind, first, extents, steps)
    if tensor.repeated_bytes > LARGEST_REPEATED_BYTES:
        raise UnreadableHeader("its pickle describes a tensor that is far larger than its data")
    return tensor


def whole(value: object) -> int:
    """Return a count that fits 64 bits. Raise TypeError for any other value."""
    if type(value) is not int or not 0 <= value < 2**63:
        raise TypeError("not a count")
    return value


def _counts(value: object) -> tuple[int, ...]:
    if not isinstance(value, tuple | list) or len(value) > MOST_DIMENSIONS:
        raise TypeError("not a shape")
    return tuple(whole(count) for count in value)


def name_text(value: object) -> str:
    """Return a name. Other objects are not converted, because their text may have any length.

    Raises:
        UnreadableHeader: The value is not a text, or is longer than any name.
    """
    if not isinstance(value, str):
        raise UnreadableHeader("its pickle holds something else where a name belongs")
    if len(value) > _LONGEST_NAME:
        raise UnreadableHeader("its pickle holds a name that is longer than any tensor's")
    return value
