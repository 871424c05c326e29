"""Reads the files that `torch.save` writes, without unpickling.

Two formats (torch/serialization.py): since torch 1.6 a zip archive with `<folder>/data.pkl` and
one stored entry `<folder>/data/<key>` a storage; before, five pickles in a row (magic number,
version, system, object, storage keys) and then each storage as its count of elements (8 bytes,
little-endian) and its bytes.

Listing and loading both use this reader, so they cannot disagree about the content of a file. The
caller passes an open stream. Nothing is opened, imported or run.
"""

import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO

from domain.checkpoints.header_values import DTYPE_BITS, BoundedReader, UnreadableHeader
from domain.checkpoints.pickles.machine import PickleMachine
from domain.checkpoints.pickles.stored_tensors import StoredTensor

__all__ = ["ZIP_MAGIC", "TorchFile", "read_torch_file"]

ZIP_MAGIC = b"PK\x03\x04"
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    ValueError,
    RuntimeError,  # encrypted; its subclass NotImplementedError: an unknown compression
    EOFError,
)
_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
# SDXL's zip directory has 0.4 MB and its data.pkl 0.6 MB. An entry of the directory takes at least
# 46 bytes in the file, and about 700 in memory.
_LEAST_DIRECTORY_BYTES, _MOST_DIRECTORY_BYTES, _DIRECTORY_SHARE = 2**20, 2**22, 64
_PICKLE_BYTES = 16 * 2**20
# PKWARE's APPNOTE.TXT, 4.3.7: a local header, with the lengths of name and extra field at its end.
_LOCAL_HEADER_BYTES = 30
_NODE_BYTES = 250
_DEEPEST = 32
_LONGEST_TEXT = 500


@dataclass(frozen=True, slots=True)
class TorchFile:
    """The content of a torch file without its data.

    Attributes:
        tensors: Tensors by name; names inside nested dictionaries are joined with dots.
        positions: The position of each storage's first byte in the file, by its key.
        numbers: Short texts and numbers beside the tensors, such as `global_step`.
        unsafe_globals: Names that no checkpoint has a use for, such as `os.system`.
        unsupported: Instructions that cannot be followed without running them.
        others: All other names but those of tensors and the tables that hold them.
    """

    tensors: Mapping[str, StoredTensor]
    positions: Mapping[str, int]
    numbers: Mapping[str, str]
    unsafe_globals: tuple[str, ...] = ()
    unsupported: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


def read_torch_file(file: BinaryIO, size: int) -> TorchFile:
    """Read the structure of an open torch file of `size` bytes.

    If a file has `unsafe_globals` and cannot be read to its end, the result is what was read so
    far.

    Raises:
        UnreadableHeader: It is not a torch file, is cut off, contains itself, or names data that it
            does not hold.
        OSError: The file cannot be read.
    """
    reader = BoundedReader(file, _directory_bytes(size))
    reader.seek(0)
    magic = reader.read(len(ZIP_MAGIC))
    reader.seek(0)
    machine = PickleMachine(size)
    content: object = None
    positions: Mapping[str, int] = {}
    tensors: dict[str, StoredTensor] = {}
    numbers: dict[str, str] = {}
    try:
        follow = _follow_zip if magic == ZIP_MAGIC else _follow_legacy
        content, positions = follow(machine, reader, size)
        inner = _unwrapped(content)
        numbers = {**_numbers(content), **_numbers(inner)}
        for name, value in _walked(inner, "", [], machine):
            if isinstance(value, StoredTensor):
                tensors[name] = value
    except UnreadableHeader:
        if not machine.unsafe_globals:
            raise
    return TorchFile(
        tensors,
        positions,
        numbers,
        unsafe_globals=tuple(machine.unsafe_globals),
        unsupported=tuple(machine.unsupported),
        others=tuple(machine.others),
    )


def _directory_bytes(size: int) -> int:
    share = max(_LEAST_DIRECTORY_BYTES, size // _DIRECTORY_SHARE)
    return min(share, _MOST_DIRECTORY_BYTES)


def _follow_zip(
    machine: PickleMachine, reader: BoundedReader, size: int
) -> tuple[object, Mapping[str, int]]:
    try:
        archive = zipfile.ZipFile(reader)
    except _DAMAGE as error:
        raise UnreadableHeader("it is cut off: the zip directory at its end is missing") from error
    entries = archive.infolist()
    by_name = {entry.filename: entry for entry in entries}
    if len({name.lower() for name in by_name}) < len(entries):
        raise UnreadableHeader("its zip archive holds two entries of the same name")
    if any(entry.header_offset + entry.compress_size > size for entry in entries):
        raise UnreadableHeader("its zip directory names data outside the file")
    if sum(entry.file_size for entry in entries) > 4 * size:
        raise UnreadableHeader("its zip archive unpacks to far more than its size")
    folder = entries[0].filename.split("/")[0] if entries else ""
    if f"{folder}/constants.pkl" in by_name:
        raise UnreadableHeader("it is a TorchScript program; get the model as .safetensors")
    pickle = by_name.get(f"{folder}/data.pkl")
    if pickle is None or pickle.file_size > _PICKLE_BYTES:
        raise UnreadableHeader("it is a zip archive without a torch model in it")
    _check_byte_order(archive, by_name.get(f"{folder}/byteorder"), reader)
    reader.allow(_PICKLE_BYTES + 2**16)
    try:
        with archive.open(pickle) as stream:
            content = machine.follow(stream)  # type: ignore[arg-type]
    except _DAMAGE as error:
        raise UnreadableHeader("its data.pkl is damaged") from error
    positions: dict[str, int] = {}
    for storage in machine.storages.values():
        entry = by_name.get(f"{folder}/data/{storage.key}")
        if entry is None or entry.file_size < storage.size:
            raise UnreadableHeader("its zip archive lacks data of tensors that it names")
        if entry.compress_type != zipfile.ZIP_STORED:
            raise UnreadableHeader("its data is compressed; torch writes data as it is")
        positions[storage.key] = _data_position(reader, entry)
        if positions[storage.key] + storage.size > size:
            raise UnreadableHeader("its zip directory names data outside the file")
    return content, positions


def _check_byte_order(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo | None, reader: BoundedReader
) -> None:
    if entry is None:
        return
    reader.allow(2**16)
    try:
        with archive.open(entry) as stream:
            order = stream.read(10)
    except _DAMAGE as error:
        raise UnreadableHeader("its zip archive is damaged") from error
    if order != b"little":
        raise UnreadableHeader("its data has the byte order of another kind of computer")


def _data_position(reader: BoundedReader, entry: zipfile.ZipInfo) -> int:
    reader.seek(entry.header_offset)
    reader.allow(_LOCAL_HEADER_BYTES)
    header = reader.read(_LOCAL_HEADER_BYTES)
    if len(header) < _LOCAL_HEADER_BYTES or not header.startswith(ZIP_MAGIC):
        raise UnreadableHeader("its zip directory names data that is not there")
    name_length, extra_length = struct.unpack("<HH", header[26:])
    return entry.header_offset + _LOCAL_HEADER_BYTES + int(name_length) + int(extra_length)


def _follow_legacy(
    machine: PickleMachine, reader: BoundedReader, size: int
) -> tuple[object, Mapping[str, int]]:
    reader.allow(_PICKLE_BYTES)
    try:
        magic = machine.follow(reader)
    except UnreadableHeader as error:
        raise UnreadableHeader("it is not a torch file: it does not begin as one") from error
    if magic != _LEGACY_MAGIC:
        raise UnreadableHeader("it is a pickle, but not one that torch wrote")
    machine.follow(reader)  # the version
    system = machine.follow(reader)
    if isinstance(system, dict) and system.get("little_endian") is False:
        raise UnreadableHeader("its data has the byte order of another kind of computer")
    content = machine.follow(reader)
    keys = machine.follow(reader)
    if not (isinstance(keys, list) and all(isinstance(key, str) for key in keys)):
        raise UnreadableHeader("its list of tensor data is missing")
    position = reader.tell()
    positions: dict[str, int] = {}
    for key in keys:
        storage = machine.storages.get(key)
        if storage is None:
            raise UnreadableHeader("its list of tensor data names what no tensor uses")
        reader.seek(position)
        reader.allow(8)
        elements = int.from_bytes(reader.read(8), "little")
        if elements != storage.elements:
            raise UnreadableHeader("it is cut off, or its data has not the size that it says")
        positions[key] = position + 8
        position += 8 + elements * DTYPE_BITS[storage.dtype] // 8
        if position > size:
            raise UnreadableHeader("it is cut off: tensor data is missing at its end")
    if positions.keys() != machine.storages.keys():
        raise UnreadableHeader("it names tensors whose data it does not hold")
    return content, positions


def _unwrapped(content: object) -> object:
    """Return the innermost `state_dict`, as diffusers' single-file loader does."""
    seen: list[object] = []
    while isinstance(content, dict) and isinstance(content.get("state_dict"), dict):
        if len(seen) == _DEEPEST or any(content is each for each in seen):
            raise UnreadableHeader("its state_dict contains itself, or has no end")
        seen.append(content)
        content = content["state_dict"]
    return content


def _numbers(content: object) -> dict[str, str]:
    """Return the short texts and numbers beside a `state_dict`."""
    if not isinstance(content, dict):
        return {}
    return {
        name: str(value)
        for name, value in content.items()
        if (isinstance(value, str) and len(value) <= _LONGEST_TEXT)
        or (type(value) is int and abs(value) < 2**63)
    }


def _walked(
    content: object, prefix: str, above: list[object], machine: PickleMachine
) -> Iterator[tuple[str, object]]:
    """Yield each entry of a dictionary and of nested ones, by its names joined with dots.

    Raise UnreadableHeader for a dictionary that contains itself.
    """
    if not isinstance(content, dict):
        return
    if any(content is each for each in above):
        raise UnreadableHeader("its table of tensors contains itself")
    for name, value in content.items():
        path = f"{prefix}{name}"
        if len(path) > _LONGEST_TEXT:
            raise UnreadableHeader("it holds a name that is longer than any tensor's")
        machine.charge_memory(_NODE_BYTES + len(path))
        yield path, value
        if len(above) < _DEEPEST and isinstance(value, dict):
            yield from _walked(value, f"{path}.", [*above, content], machine)
