"""Model files for tests, written byte by byte: no torch, and lies where a test wants them."""

import io
import json
import pickle
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

__all__ = [
    "call",
    "legacy_file",
    "pickled",
    "safetensors_bytes",
    "safetensors_file",
    "tensor",
    "zip_file",
]

_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C


def safetensors_bytes(table: object, data: bytes = b"", *, length: int | None = None) -> bytes:
    """Return a safetensors file: the header `table` (bytes: exactly that), then `data`."""
    text = table if isinstance(table, bytes) else json.dumps(table).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def safetensors_file(
    shapes: Mapping[str, tuple[int, ...]], metadata: Mapping[str, str] | None = None
) -> bytes:
    """Return a valid file of float16 zeros."""
    table: dict[str, object] = {} if metadata is None else {"__metadata__": dict(metadata)}
    end = 0
    for name, shape in shapes.items():
        begin, end = end, end + 2 * _count(shape)
        table[name] = {"dtype": "F16", "shape": list(shape), "data_offsets": [begin, end]}
    return safetensors_bytes(table, bytes(end))


def _count(shape: tuple[int, ...]) -> int:
    count = 1
    for extent in shape:
        count *= extent
    return count


class _Named:
    """Pickles as the global of its name, whether or not that can be imported."""

    def __init__(self, name: str) -> None:
        self.name = name


class _Called:
    def __init__(self, function: _Named, *arguments: object) -> None:
        self.function, self.arguments = function, arguments


class _Storage:
    def __init__(self, key: str, kind: str, elements: int) -> None:
        self.key, self.kind, self.elements = key, kind, elements


def tensor(
    shape: tuple[int, ...],
    *,
    key: str = "0",
    kind: str = "HalfStorage",
    elements: int | None = None,
    offset: int = 0,
) -> Any:
    """What torch.save writes for a tensor of `shape`; its storage has the required size."""
    step = 1
    strides: list[int] = []
    for extent in reversed(shape):
        strides.insert(0, step)
        step *= extent
    storage = _Storage(key, kind, _count(shape) if elements is None else elements)
    hooks = _Called(_Named("collections.OrderedDict"))
    rebuild = _Named("torch._utils._rebuild_tensor_v2")
    return _Called(rebuild, storage, offset, shape, tuple(strides), False, hooks)


def call(name: str, *arguments: object) -> Any:
    """An object whose pickle contains the instruction to call the function of that name."""
    return _Called(_Named(name), *arguments)


def pickled(value: object) -> bytes:
    """Return the protocol-2 pickle, in torch's instructions, of plain values and those symbols."""
    out = io.BytesIO()
    out.write(b"\x80\x02")
    _write(out.write, value)
    out.write(b".")
    return out.getvalue()


def _write(write: Callable[[bytes], object], value: object) -> None:
    if isinstance(value, _Named):
        module, _, attribute = value.name.rpartition(".")
        write(f"c{module}\n{attribute}\n".encode())
    elif isinstance(value, _Called):
        _write(write, value.function)
        _write(write, value.arguments)
        write(b"R")
    elif isinstance(value, _Storage):
        identity = ("storage", _Named(f"torch.{value.kind}"), value.key, "cpu", value.elements)
        _write(write, identity)
        write(b"Q")
    elif isinstance(value, dict):
        write(b"}(" if not isinstance(value, OrderedDict) else b"ccollections\nOrderedDict\n)R(")
        for key, item in value.items():
            _write(write, key)
            _write(write, item)
        write(b"u")
    elif isinstance(value, tuple | list):
        write(b"(" if isinstance(value, tuple) else b"](")
        for item in value:
            _write(write, item)
        write(b"t" if isinstance(value, tuple) else b"e")
    else:
        write(pickle.dumps(value, protocol=2)[2:-1])


def _storages(value: object) -> dict[str, _Storage]:
    if isinstance(value, _Storage):
        return {value.key: value}
    if isinstance(value, _Called):
        return _storages(value.arguments)
    parts = value.values() if isinstance(value, dict) else value
    found: dict[str, _Storage] = {}
    if isinstance(value, dict | tuple | list):
        for part in parts:  # type: ignore[attr-defined]
            found |= _storages(part)
    return found


def _size(storage: _Storage) -> int:
    return storage.elements * {"HalfStorage": 2, "BFloat16Storage": 2, "LongStorage": 8}.get(
        storage.kind, 4
    )


def zip_file(
    value: object,
    *,
    shorten: int = 0,
    extra: Mapping[str, bytes] | None = None,
    deflate: bool = False,
) -> bytes:
    """Return a file in torch's zip format; each storage lacks `shorten` bytes."""
    out = io.BytesIO()
    compression = zipfile.ZIP_DEFLATED if deflate else zipfile.ZIP_STORED
    with zipfile.ZipFile(out, "w", compression) as archive:
        archive.writestr("model/data.pkl", value if isinstance(value, bytes) else pickled(value))
        for storage in _storages(value).values():
            archive.writestr(f"model/data/{storage.key}", bytes(_size(storage) - shorten))
        for name, data in (extra or {}).items():
            archive.writestr(name, data)
    return out.getvalue()


def legacy_file(value: object, *, keys: list[str] | None = None) -> bytes:
    """Return a file in the format of torch before 1.6."""
    storages = _storages(value)
    keys = sorted(storages) if keys is None else keys
    parts = [_LEGACY_MAGIC, 1001, {"little_endian": True}, value, keys]
    data = [
        struct.pack("<q", storages[key].elements) + bytes(_size(storages[key]))
        for key in keys
        if key in storages
    ]
    return b"".join([*(pickled(part) for part in parts), *data])
