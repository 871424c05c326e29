"""Headers of safetensors files.

The format, from https://github.com/huggingface/safetensors#format: 8 bytes with the header's length
(little-endian), the header as JSON, then the data. The JSON maps each tensor's name to `dtype`,
`shape` and `data_offsets`, its begin and end in the data; `__metadata__` maps strings to strings.
The data has no holes and nothing follows it.
"""

import json
import math
from collections import Counter
from collections.abc import Mapping
from typing import BinaryIO, NoReturn

from adapters.filesystem.headers.probe import read_probe
from adapters.filesystem.headers.values import (
    DTYPE_BITS,
    Header,
    IncompleteFile,
    TensorFacts,
    UnreadableHeader,
    shown,
)
from domain.checkpoints.arranged import arrangement_of
from domain.checkpoints.quantised import marker_names
from domain.checkpoints.training import PROBES

__all__ = ["read_safetensors_header"]

# The limit of the safetensors library itself.
_LONGEST_HEADER = 100_000_000
# JSON values, so that a header within the limit cannot fill the memory: SDXL's has some 20,000, and
# a big vocabulary, if the file embeds one, 100,000 commas.
_MOST_VALUES = 2_000_000
# SDXL's training states have some 5,000 tensors, and no name has 200 characters. The limits keep
# the work for each name, such as matching it, short for any file.
_MOST_TENSORS = 100_000
_LONGEST_NAME = 500
_METADATA = "__metadata__"
_DTYPES = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E4M3FNUZ": "float8_e4m3fnuz",
    "F8_E5M2": "float8_e5m2",
    "F8_E5M2FNUZ": "float8_e5m2fnuz",
    "F8_E8M0": "float8_e8m0fnu",
    "F6_E2M3": "float6_e2m3",
    "F6_E3M2": "float6_e3m2",
    "F4": "float4_e2m1",
    "C64": "complex64",
    "I64": "int64",
    "I32": "int32",
    "I16": "int16",
    "I8": "int8",
    "U64": "uint64",
    "U32": "uint32",
    "U16": "uint16",
    "U8": "uint8",
    "BOOL": "bool",
}


def read_safetensors_header(file: BinaryIO, size: int) -> Header:
    """Read the header of an open safetensors file of `size` bytes, and the values of `PROBES`.

    Raises:
        IncompleteFile: The header is valid and promises more than `size` bytes.
        UnreadableHeader: The file is not a safetensors file, or the header contradicts itself or
            the file.
    """
    file.seek(0)
    start = file.read(9)
    if len(start) < 9:
        raise UnreadableHeader(f"it has {len(start)} bytes, fewer than any model file")
    length = int.from_bytes(start[:8], "little")
    if start[8:] != b"{":
        raise UnreadableHeader("it is not a safetensors file: it does not begin with a header")
    if length > _LONGEST_HEADER:
        raise UnreadableHeader(
            f"its header claims {length:,} bytes; a safetensors header has at most "
            f"{_LONGEST_HEADER:,}"
        )
    if 8 + length > size:
        raise IncompleteFile(promised=8 + length, present=size)
    text = start[8:] + file.read(length - 1)
    if len(text) < length:
        raise IncompleteFile(promised=8 + length, present=8 + len(text))
    table = _parse(text)
    metadata = _metadata(table.pop(_METADATA, {}))
    tensors, begins, end = _tensors(table)
    promised = 8 + length + end
    if promised > size:
        raise IncompleteFile(promised=promised, present=size)
    if promised < size:
        raise UnreadableHeader(
            f"{size - promised:,} bytes follow the last tensor that its header names"
        )
    arrangement = arrangement_of(tensors)
    places = {name: arrangement.stored(name) for name in PROBES}
    probes = {
        name: values
        for name, place in places.items()
        if place in tensors
        and (values := read_probe(file, tensors[place], 8 + length + begins[place])) is not None
    }
    markers = _data(
        file, tensors, {name: 8 + length + begins[name] for name in marker_names(tensors)}
    )
    return Header(tensors=tensors, metadata=metadata, probes=probes, markers=markers)


def _data(
    file: BinaryIO, tensors: Mapping[str, TensorFacts], begins: Mapping[str, int]
) -> dict[str, bytes]:
    """Return the bytes of small tensors of one dimension."""
    data = {}
    for name, begin in begins.items():
        file.seek(begin)
        data[name] = file.read(tensors[name].shape[0])
    return data


def _parse(text: bytes) -> dict[str, object]:
    if sum(text.count(mark) for mark in (b",", b"[", b"{")) > _MOST_VALUES:
        raise UnreadableHeader("its header has more entries than any model file's")
    try:
        table = json.loads(
            text.decode("utf-8"), object_pairs_hook=_unique_keys, parse_constant=_refuse_constant
        )
    except UnicodeDecodeError as error:
        raise UnreadableHeader("its header is not UTF-8 text") from error
    except RecursionError as error:
        raise UnreadableHeader("its header is nested too deeply") from error
    except ValueError as error:
        raise UnreadableHeader("its header is not JSON") from error
    if not isinstance(table, dict):
        raise UnreadableHeader("its header is not a JSON object")
    return table


def _unique_keys(pairs: list[tuple[str, object]]) -> dict[str, object]:
    table = dict(pairs)
    if len(table) < len(pairs):
        twin, _ = Counter(name for name, _ in pairs).most_common(1)[0]
        raise UnreadableHeader(f"its header names '{shown(twin)}' twice")
    return table


def _refuse_constant(text: str) -> NoReturn:
    raise UnreadableHeader(f"its header holds {text}, which is not JSON")


def _metadata(value: object) -> Mapping[str, str]:
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise UnreadableHeader("its metadata is not a table of texts")
    return value


def _tensors(
    table: Mapping[str, object],
) -> tuple[Mapping[str, TensorFacts], Mapping[str, int], int]:
    """Return all tensors, where the data of each begins, and where that of the last one ends."""
    if len(table) > _MOST_TENSORS:
        raise UnreadableHeader(
            f"it has {len(table):,} tensors, more than any model file, of which {_MOST_TENSORS:,} "
            "are the most"
        )
    tensors: dict[str, TensorFacts] = {}
    spans: list[tuple[int, int, str]] = []
    for name, entry in table.items():
        facts, begin, end = _tensor(name, entry)
        tensors[name] = facts
        spans.append((begin, end, name))
    position = 0
    for begin, end, name in sorted(spans):
        if begin != position:
            fault = "overlaps another tensor" if begin < position else "leaves a hole before it"
            raise UnreadableHeader(f"its tensor '{shown(name)}' {fault}")
        position = end
    return tensors, {name: begin for begin, _, name in spans}, position


def _tensor(name: str, entry: object) -> tuple[TensorFacts, int, int]:
    if len(name) > _LONGEST_NAME:
        raise _fault(name, f"has a name of {len(name):,} characters; {_LONGEST_NAME} are the most")
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        raise _fault(name, "lacks its type, shape or place")
    kind = entry["dtype"]
    if not isinstance(kind, str):
        raise _fault(name, "has a type that is not text")
    if (dtype := _DTYPES.get(kind)) is None:
        raise _fault(name, f"has the unknown type '{shown(kind)}'")
    shape, offsets = entry["shape"], entry["data_offsets"]
    if not _is_counts(shape):
        raise _fault(name, "has a shape that is not a list of counts")
    if not _is_counts(offsets) or len(offsets) != 2 or offsets[0] > offsets[1]:
        raise _fault(name, "has a place in the file that makes no sense")
    begin, end = offsets
    bits = math.prod(shape) * DTYPE_BITS[dtype]
    if bits != (end - begin) * 8:
        raise _fault(name, f"has {end - begin:,} bytes, which its shape and type do not make")
    return TensorFacts(dtype, tuple(shape)), begin, end


def _is_counts(value: object) -> bool:
    # The format's counts are 64-bit; torch supports 64 dimensions.
    return (
        isinstance(value, list)
        and len(value) <= 64
        and all(type(count) is int and 0 <= count < 2**63 for count in value)
    )


def _fault(name: str, what: str) -> UnreadableHeader:
    return UnreadableHeader(f"its tensor '{shown(name)}' {what}")
