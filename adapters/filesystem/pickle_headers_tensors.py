"""Storages and the tensors that are views of them, as torch's pickles describe them.

The descriptions are the arguments of the functions in `torch/_utils.py`.
"""

from dataclasses import dataclass

from adapters.filesystem.headers_values import DTYPE_BITS, TensorFacts, UnreadableHeader

__all__ = ["MOST_DIMENSIONS", "Storage", "name_text", "tensor_facts", "whole"]

MOST_DIMENSIONS = 64
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


def tensor_facts(
    storage: object = None,
    offset: object = None,
    shape: object = None,
    strides: object = None,
    *,
    dtype: str | None = None,
) -> TensorFacts:
    """The tensor that torch would make as a view of a storage; offset and strides in elements."""
    extents, steps = _counts(shape), _counts(strides)
    if not isinstance(storage, Storage) or len(steps) != len(extents):
        raise UnreadableHeader("its pickle describes a tensor that torch could not build")
    kind = dtype or storage.dtype
    last = whole(offset) + sum(
        (extent - 1) * step for extent, step in zip(extents, steps, strict=True)
    )
    if all(extents) and (last + 1) * DTYPE_BITS[kind] > storage.size * 8:
        raise UnreadableHeader("its pickle describes a tensor that reaches outside of its data")
    return TensorFacts(kind, extents)


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
