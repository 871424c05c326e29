"""Headers of the files that `torch.save` writes, read without unpickling.

Two formats (torch/serialization.py): since torch 1.6 a zip archive with `<folder>/data.pkl` and
one stored entry `<folder>/data/<key>` a storage; before, five pickles in a row (magic number,
version, system, object, storage keys) and then each storage as its count of elements (8 bytes,
little-endian) and its bytes.
"""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from typing import BinaryIO

from adapters.filesystem.headers_values import (
    DTYPE_BITS,
    BoundedReader,
    Header,
    TensorFacts,
    UnreadableHeader,
)
from adapters.filesystem.pickle_headers_machine import PickleMachine

__all__ = ["ZIP_MAGIC", "read_pickle_header"]

ZIP_MAGIC = b"PK\x03\x04"
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    ValueError,
    RuntimeError,  # encrypted; its child NotImplementedError: an unknown compression
    EOFError,
)
_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
# SDXL's zip directory has 0.4 MB and its data.pkl 0.6 MB.
_DIRECTORY_BYTES = 4 * 2**20
_PICKLE_BYTES = 16 * 2**20
_MOST_NODES = 200_000
_DEEPEST = 32
_LONGEST_TEXT = 500


def read_pickle_header(file: BinaryIO, size: int) -> Header:
    """Read the structure of an open torch file of `size` bytes; nothing in it is imported or run.

    A file that names what torch does not is not read further than it can be: its `unsafe_globals`
    say enough.

    Raises:
        UnreadableHeader: It is no torch file, is cut off, or claims what it does not hold.
    """
    reader = BoundedReader(file, _DIRECTORY_BYTES)
    reader.seek(0)
    magic = reader.read(len(ZIP_MAGIC))
    reader.seek(0)
    machine = PickleMachine()
    content: object = None
    try:
        follow = _follow_zip if magic == ZIP_MAGIC else _follow_legacy
        content = follow(machine, reader, size)
    except UnreadableHeader:
        if not machine.unsafe_globals:
            raise
    tensors, metadata = _flattened(_unwrapped(content))
    return Header(
        tensors=tensors,
        metadata={**_numbers(content), **metadata},
        unsafe_globals=tuple(machine.unsafe_globals),
        unsupported=tuple(machine.unsupported),
    )


def _follow_zip(machine: PickleMachine, reader: BoundedReader, size: int) -> object:
    try:
        archive = zipfile.ZipFile(reader)
    except _DAMAGE as error:
        raise UnreadableHeader("it is cut off: the zip directory at its end is missing") from error
    entries = archive.infolist()
    lengths = {entry.filename: entry.file_size for entry in entries}
    if len({name.lower() for name in lengths}) < len(entries):
        raise UnreadableHeader("its zip archive holds two entries of the same name")
    if any(entry.header_offset + entry.compress_size > size for entry in entries):
        raise UnreadableHeader("its zip directory names data outside of the file")
    if sum(lengths.values()) > 4 * size:
        raise UnreadableHeader("its zip archive unpacks to far more than its size")
    folder = entries[0].filename.split("/")[0] if entries else ""
    if f"{folder}/constants.pkl" in lengths:
        raise UnreadableHeader("it is a TorchScript program; get the model as .safetensors")
    if lengths.get(f"{folder}/data.pkl", _PICKLE_BYTES + 1) > _PICKLE_BYTES:
        raise UnreadableHeader("it is a zip archive without a torch model in it")
    reader.allow(_PICKLE_BYTES + 2**16)
    try:
        with archive.open(f"{folder}/data.pkl") as entry:
            data = entry.read(_PICKLE_BYTES)
    except _DAMAGE as error:
        raise UnreadableHeader("its data.pkl is damaged") from error
    content = machine.follow(io.BytesIO(data))
    for storage in machine.storages.values():
        if lengths.get(f"{folder}/data/{storage.key}", -1) < storage.size:
            raise UnreadableHeader("its zip archive lacks data of tensors that it names")
    return content


def _follow_legacy(machine: PickleMachine, reader: BoundedReader, size: int) -> object:
    reader.allow(_PICKLE_BYTES)
    try:
        magic = machine.follow(reader)
    except UnreadableHeader as error:
        raise UnreadableHeader("it is no torch file: it does not begin as one") from error
    if magic != _LEGACY_MAGIC:
        raise UnreadableHeader("it is a pickle, but not one that torch wrote")
    for _ in ("version", "system"):
        machine.follow(reader)
    content = machine.follow(reader)
    keys = machine.follow(reader)
    if not (isinstance(keys, list) and all(isinstance(key, str) for key in keys)):
        raise UnreadableHeader("its list of tensor data is missing")
    position = reader.tell()
    for key in keys:
        storage = machine.storages.get(key)
        if storage is None:
            raise UnreadableHeader("its list of tensor data names what no tensor uses")
        reader.seek(position)
        reader.allow(8)
        elements = int.from_bytes(reader.read(8), "little")
        if elements != storage.elements:
            raise UnreadableHeader("it is cut off, or its data has not the size that it says")
        position += 8 + elements * DTYPE_BITS[storage.dtype] // 8
        if position > size:
            raise UnreadableHeader("it is cut off: tensor data is missing at its end")
    if set(keys) != machine.storages.keys():
        raise UnreadableHeader("it names tensors whose data it does not hold")
    return content


def _unwrapped(content: object) -> object:
    """What lies under `state_dict`, however often, as diffusers' single-file loader takes it."""
    for _ in range(_DEEPEST):
        if not (isinstance(content, dict) and "state_dict" in content):
            break
        content = content["state_dict"]
    return content


def _numbers(content: object) -> Mapping[str, str]:
    """Short texts and numbers beside a `state_dict`."""
    if not isinstance(content, dict):
        return {}
    return {
        name: str(value)
        for name, value in content.items()
        if (isinstance(value, str) and len(value) <= _LONGEST_TEXT)
        or (type(value) is int and abs(value) < 2**63)
    }


def _flattened(content: object) -> tuple[Mapping[str, TensorFacts], Mapping[str, str]]:
    tensors: dict[str, TensorFacts] = {}
    for count, (name, value) in enumerate(_walked(content, "", _DEEPEST)):
        if count > _MOST_NODES:
            raise UnreadableHeader("it has more entries than any model file's")
        if isinstance(value, TensorFacts):
            tensors[name] = value
    return tensors, _numbers(content)


def _walked(content: object, prefix: str, depth: int) -> Iterator[tuple[str, object]]:
    if not isinstance(content, dict):
        return
    for name, value in content.items():
        path = f"{prefix}{name}"
        if len(path) > _LONGEST_TEXT:
            raise UnreadableHeader("it holds a name that is longer than any tensor's")
        yield path, value
        if depth and isinstance(value, dict):
            yield from _walked(value, f"{path}.", depth - 1)
