"""Headers of GGUF files."""

from typing import BinaryIO

from adapters.filesystem.headers.probe import read_probe
from adapters.filesystem.headers.values import Header, IncompleteFile, UnreadableHeader
from domain.checkpoints.prediction import PROBE
from domain.checkpoints.quantised.gguf import CutOff, GgufFile, read_gguf

__all__ = ["MAGIC", "read_gguf_header"]

MAGIC = b"GGUF"
_LARGEST = 2**43
"""Bytes that a file may promise while it is still being copied: 8 TiB."""


def read_gguf_header(file: BinaryIO, size: int) -> Header:
    """Read the header of an open GGUF file of `size` bytes.

    Returns:
        The tensors that a plain file of the same model would have.

    Raises:
        IncompleteFile: The header is valid and promises more than `size` bytes.
        UnreadableHeader: The file is not a GGUF file, or its header makes no sense.
    """
    try:
        found = read_gguf(file, size)
    except CutOff as error:
        if error.promised > _LARGEST:
            raise UnreadableHeader("its header claims more bytes than any model file") from error
        raise IncompleteFile(promised=error.promised, present=size) from error
    if found.end > _LARGEST:
        raise UnreadableHeader("its header claims more bytes than any model file")
    if found.end > size:
        raise IncompleteFile(promised=found.end, present=size)
    return Header(
        tensors={name: tensor.facts for name, tensor in found.tensors.items()},
        metadata=found.metadata,
        probe=_probe(file, found),
        quantisation=found.quantisation,
    )


def _probe(file: BinaryIO, found: GgufFile) -> tuple[float, ...] | None:
    tensor = found.tensors.get(PROBE)
    if tensor is None or tensor.type.dtype is None:
        return None
    return read_probe(file, tensor.facts, tensor.position)
