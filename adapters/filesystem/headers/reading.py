"""Reads the header of any model file: names, types and shapes of tensors, but not their data."""

import dataclasses
from typing import BinaryIO

from adapters.filesystem.headers.gguf import MAGIC, read_gguf_header
from adapters.filesystem.headers.pickles import ZIP_MAGIC, read_pickle_header
from adapters.filesystem.headers.safetensors import read_safetensors_header
from adapters.filesystem.headers.values import (
    EmptyFile,
    Header,
    IncompleteFile,
    TensorFacts,
    UnreadableHeader,
)
from domain.checkpoints.arranged import arrangement_of
from domain.checkpoints.quantised import quantisation_of_file

__all__ = [
    "LONGEST_POINTER",
    "POINTER",
    "Header",
    "IncompleteFile",
    "TensorFacts",
    "UnreadableHeader",
    "is_pointer",
    "read_header",
]

_SAFETENSORS = ".safetensors"
_GGUF = ".gguf"

POINTER = "it is a Git LFS pointer, not the model; run `git lfs pull`"
LONGEST_POINTER = 1024
"""Bytes; a pointer must be shorter (https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md)."""


def read_header(file: BinaryIO, size: int, extension: str) -> Header:
    """Read the header of an open model file; its position is moved.

    Args:
        file: The file, open for reading in binary and seekable.
        size: Its size in bytes, from `os.fstat`.
        extension: The extension of its name, in lower case with the dot: `.safetensors`, `.gguf`,
            or one of those for files that `torch.save` wrote.

    Raises:
        IncompleteFile: The header promises more bytes than there are; try again later.
        UnreadableHeader: The file is not a model file, or its header lies; `reason` says how.
        OSError: The file could not be read.
    """
    if size == 0:
        raise EmptyFile
    file.seek(0)
    start = file.read(64)
    _check_file_type(start, extension)
    if extension == _GGUF:
        return read_gguf_header(file, size)
    read = read_safetensors_header if extension == _SAFETENSORS else read_pickle_header
    return _arranged(_with_plain_tensors(read(file, size)))


def _with_plain_tensors(header: Header) -> Header:
    """Return the header with the tensors of a plain file, if it has layers in codes."""
    found = quantisation_of_file(header.tensors, header.metadata, header.markers)
    if found is None or found.fault is not None:
        return dataclasses.replace(header, quantisation=found)
    return dataclasses.replace(header, tensors=found.plain(header.tensors), quantisation=found)


def _arranged(header: Header) -> Header:
    """Return the header with the tensors that draw, by the names of the original code."""
    arrangement = arrangement_of(header.tensors)
    tensors = arrangement.facts(header.tensors)
    return dataclasses.replace(header, tensors=tensors, notes=arrangement.notes)


def is_pointer(start: bytes) -> bool:
    """Return True if a file that starts like this is a pointer to a file not fetched by Git LFS."""
    return start.startswith(b"version https://git-lfs")


def _check_file_type(start: bytes, extension: str) -> None:
    """Raise UnreadableHeader for files that users mistake for model files, with the remedy."""
    if is_pointer(start):
        raise UnreadableHeader(POINTER)
    if start.startswith(MAGIC) and extension != _GGUF:
        raise UnreadableHeader("it is a GGUF file; rename it to end in .gguf")
    if start.lstrip().lower().startswith((b"<!doctype", b"<html")):
        raise UnreadableHeader("it is a web page, not the model; download the model itself")
    # A header's length may start with the bytes of a pickle: 640 is 80 02 00 00 00 00 00 00.
    is_safe = start[8:10] in (b'{"', b"{}") and start[5:8] == bytes(3)
    if extension == _SAFETENSORS and not is_safe and start.startswith((ZIP_MAGIC, b"\x80\x02")):
        raise UnreadableHeader("it is a torch file, not safetensors; rename it to end in .ckpt")
    if extension != _SAFETENSORS and is_safe:
        raise UnreadableHeader("it is a safetensors file; rename it to end in .safetensors")
