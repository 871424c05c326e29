"""Headers of the files that `torch.save` writes, read without unpickling."""

from typing import BinaryIO

from adapters.filesystem.headers.values import Header
from domain.checkpoints.torch_file import ZIP_MAGIC, read_torch_file

__all__ = ["ZIP_MAGIC", "read_pickle_header"]


def read_pickle_header(file: BinaryIO, size: int) -> Header:
    """Read the structure of an open torch file of `size` bytes; nothing in it is imported or run.

    Raises:
        UnreadableHeader: It is no torch file, is cut off, or claims what it does not hold.
    """
    content = read_torch_file(file, size)
    return Header(
        tensors={name: tensor.facts for name, tensor in content.tensors.items()},
        metadata=content.numbers,
        unsafe_globals=content.unsafe_globals,
        unsupported=content.unsupported,
    )
