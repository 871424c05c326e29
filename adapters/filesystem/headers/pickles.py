"""Headers of files that `torch.save` wrote, read without unpickling."""

from typing import BinaryIO

from adapters.filesystem.headers.probe import read_probe
from adapters.filesystem.headers.values import Header
from domain.checkpoints.arranged import arrangement_of
from domain.checkpoints.header_values import DTYPE_BITS
from domain.checkpoints.pickles.torch_file import ZIP_MAGIC, TorchFile, read_torch_file
from domain.checkpoints.prediction import PROBE

__all__ = ["ZIP_MAGIC", "read_pickle_header"]


def read_pickle_header(file: BinaryIO, size: int) -> Header:
    """Read the structure of an open torch file of `size` bytes; nothing in it is imported or run.

    Raises:
        UnreadableHeader: The file is not a torch file, is truncated, or claims more than it
            contains.
    """
    content = read_torch_file(file, size)
    tensors = {name: tensor.facts for name, tensor in content.tensors.items()}
    return Header(
        tensors=tensors,
        metadata=content.numbers,
        unsafe_globals=content.unsafe_globals,
        unsupported=content.unsupported,
        probe=_probe(file, content, arrangement_of(tensors).stored(PROBE)),
        others=content.others,
    )


def _probe(file: BinaryIO, content: TorchFile, name: str) -> tuple[float, ...] | None:
    tensor = content.tensors.get(name)
    if tensor is None or tensor.strides != (1,) or tensor.storage.key not in content.positions:
        return None
    begin = content.positions[tensor.storage.key] + tensor.offset * DTYPE_BITS[tensor.dtype] // 8
    return read_probe(file, tensor.facts, begin)
