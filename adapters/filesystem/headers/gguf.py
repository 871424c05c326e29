"""Headers of GGUF files."""

from collections.abc import Mapping
from typing import BinaryIO

from adapters.filesystem.headers.probe import read_probe
from adapters.filesystem.headers.values import Header, IncompleteFile, UnreadableHeader
from domain.checkpoints.quantised.gguf import CutOff, GgufFile, read_gguf
from domain.checkpoints.training import PROBES

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
        probes=_probes(file, found),
        quantisation=found.quantisation,
    )


def _probes(file: BinaryIO, found: GgufFile) -> Mapping[str, tuple[float, ...]]:
    probes = {}
    for name in PROBES:
        tensor = found.tensors.get(name)
        if tensor is not None and tensor.type.dtype is not None:
            values = read_probe(file, tensor.facts, tensor.position)
            if values is not None:
                probes[name] = values
    return probes
