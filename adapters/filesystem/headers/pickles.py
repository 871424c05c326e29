"""Headers of files that `torch.save` wrote, read without unpickling."""

import math
from collections.abc import Mapping, Sequence
from typing import BinaryIO

from adapters.filesystem.headers.probe import read_probe
from adapters.filesystem.headers.values import Header
from domain.checkpoints.arranged import Arrangement, arrangement_of
from domain.checkpoints.header_values import DTYPE_BITS
from domain.checkpoints.pickles.torch_file import ZIP_MAGIC, TorchFile, read_torch_file
from domain.checkpoints.training import PROBES

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
        probes=_probes(file, content, arrangement_of(tensors)),
        others=content.others,
    )


def _probes(
    file: BinaryIO, content: TorchFile, arrangement: Arrangement
) -> Mapping[str, tuple[float, ...]]:
    found: dict[str, tuple[float, ...]] = {}
    for name in PROBES:
        tensor = content.tensors.get(arrangement.stored(name))
        if tensor is None or tensor.storage.key not in content.positions:
            continue
        if tensor.strides != _in_one_piece(tensor.facts.shape):
            continue
        begin = content.positions[tensor.storage.key]
        begin += tensor.offset * DTYPE_BITS[tensor.dtype] // 8
        values = read_probe(file, tensor.facts, begin)
        if values is not None:
            found[name] = values
    return found


def _in_one_piece(shape: Sequence[int]) -> tuple[int, ...]:
    """Return the strides of a tensor of this shape that lies in one piece, in elements."""
    return tuple(math.prod(shape[place + 1 :]) for place in range(len(shape)))
