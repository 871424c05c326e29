"""Values for readers of model files: element types, tensors without data, bounded readers."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import BinaryIO

__all__ = ["DTYPE_BITS", "BoundedReader", "TensorFacts", "UnreadableHeader"]

# Bits of one element, by torch's name for the type.
DTYPE_BITS: Mapping[str, int] = {
    "float64": 64,
    "float32": 32,
    "float16": 16,
    "bfloat16": 16,
    "float8_e4m3fn": 8,
    "float8_e4m3fnuz": 8,
    "float8_e5m2": 8,
    "float8_e5m2fnuz": 8,
    "float8_e8m0fnu": 8,
    "float6_e2m3": 6,
    "float6_e3m2": 6,
    "float4_e2m1": 4,
    "complex128": 128,
    "complex64": 64,
    "complex32": 32,
    "int64": 64,
    "int32": 32,
    "int16": 16,
    "int8": 8,
    "uint64": 64,
    "uint32": 32,
    "uint16": 16,
    "uint8": 8,
    "bool": 8,
}


class UnreadableHeader(Exception):
    """The file is not a model file, or its header is wrong. `reason` is a sentence for a user."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class TensorFacts:
    """One tensor without its data.

    Attributes:
        dtype: Element type by torch's name, without `torch.`.
        shape: Size of each dimension in elements; () is a single number.
    """

    dtype: str
    shape: tuple[int, ...]


class BoundedReader(io.BufferedIOBase):
    """A view of an open file that bounds how many bytes a parser can read."""

    def __init__(self, file: BinaryIO, allowance: int) -> None:
        self._file = file
        self._left = allowance

    def allow(self, allowance: int) -> None:
        """Set how many more bytes may be read."""
        self._left = allowance

    def read(self, size: int | None = -1, /) -> bytes:
        """Read up to `size` bytes. Raise UnreadableHeader if fewer are allowed."""
        most = self._left + 1
        return self._counted(self._file.read(most if size is None or size < 0 else min(size, most)))

    def readline(self, size: int | None = -1, /) -> bytes:
        """Read up to and including the next newline. Raise UnreadableHeader past the bound."""
        return self._counted(self._file.readline(self._left + 1))

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Move to a position in bytes as `io.IOBase.seek` does."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """Return the position in bytes from the start of the file."""
        return self._file.tell()

    def readable(self) -> bool:
        """Return True: the view can be read."""
        return True

    def seekable(self) -> bool:
        """Return True: model files are ordinary files."""
        return True

    def _counted(self, data: bytes) -> bytes:
        if len(data) > self._left:
            raise UnreadableHeader("its table of contents is larger than any model file's")
        self._left -= len(data)
        return data
