"""Headers of safetensors files, valid and lying."""

import io
import json
import struct
import tracemalloc

import pytest

from adapters.filesystem.headers.reading import (
    Header,
    IncompleteFile,
    TensorFacts,
    UnreadableHeader,
    read_header,
)
from tests.unit.filesystem.model_files import safetensors_bytes, safetensors_file


def read(data: bytes, size: int | None = None) -> Header:
    return read_header(io.BytesIO(data), len(data) if size is None else size, ".safetensors")


def one(dtype: object = "F16", shape: object = (2, 3), offsets: object = (0, 12)) -> object:
    return {"w": {"dtype": dtype, "shape": shape, "data_offsets": offsets}}


def test_names_types_shapes_and_metadata_are_read() -> None:
    table = {
        "__metadata__": {"modelspec.title": "Süß"},
        "a": {"dtype": "BF16", "shape": [2, 3], "data_offsets": [0, 12]},
        "empty": {"dtype": "F32", "shape": [0, 5], "data_offsets": [12, 12]},
        "number": {"dtype": "F8_E4M3", "shape": [], "data_offsets": [12, 13]},
    }
    header = read(safetensors_bytes(table, bytes(13)))
    assert header.tensors == {
        "a": TensorFacts("bfloat16", (2, 3)),
        "empty": TensorFacts("float32", (0, 5)),
        "number": TensorFacts("float8_e4m3fn", ()),
    }
    assert header.metadata == {"modelspec.title": "Süß"}
    assert header.unsafe_globals == ()


def test_a_header_may_be_padded_with_spaces() -> None:
    text = json.dumps(one()).encode() + b"     "
    assert read(safetensors_bytes(text, bytes(12))).tensors["w"].shape == (2, 3)


def test_no_tensor_data_is_read() -> None:
    class Watched(io.BytesIO):
        furthest = 0

        def read(self, size: int | None = -1, /) -> bytes:
            data = super().read(size)
            self.furthest = max(self.furthest, self.tell())
            return data

    data = safetensors_file({"w": (1000, 1000)})
    file = Watched(data)
    read_header(file, len(data), ".safetensors")
    assert file.furthest == 8 + struct.unpack("<Q", data[:8])[0]


@pytest.mark.parametrize("missing", [1, 11, 12, 20, 60])
def test_a_file_that_is_being_copied_is_distinguished_from_a_broken_one(missing: int) -> None:
    data = safetensors_bytes(one(), bytes(12))
    with pytest.raises(IncompleteFile) as caught:
        read(data[:-missing])
    assert caught.value.present == len(data) - missing
    assert caught.value.promised > caught.value.present
    assert "finish copying" in caught.value.reason


@pytest.mark.parametrize("kept", range(1, 9))
def test_a_file_of_a_few_bytes_promises_nothing(kept: int) -> None:
    with pytest.raises(UnreadableHeader, match=f"it has {kept} bytes") as caught:
        read(safetensors_bytes(one(), bytes(12))[:kept])
    assert not isinstance(caught.value, IncompleteFile)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (bytes(4096), "does not begin with a header"),
        (bytes(range(1, 255)), "does not begin with a header"),
        (safetensors_bytes(b'{"a"', bytes(99), length=2**31), "claims 2,147,483,648 bytes"),
        (safetensors_bytes(b'{"a"', bytes(99), length=2**63), "claims 9,223,372,036,854,775,808"),
        (safetensors_bytes(b'{"w": [}'), "is not JSON"),
        (safetensors_bytes(b'{"w": \xff}'), "is not UTF-8"),
        (safetensors_bytes(b'{"w": NaN}'), "NaN"),
        (safetensors_bytes(b'{"w":' * 50_000 + b"1" + b"}" * 50_000), "nested too deeply"),
        (safetensors_bytes(b'{"w":' + b"9" * 9999 + b"}"), "is not JSON"),
        (safetensors_bytes(b'{"w":' + b"[" * 50_000 + b"]" * 50_000 + b"}"), "nested too deeply"),
        (safetensors_bytes(b'{"w":' + b"[]," * 2_000_001 + b"1}"), "more entries"),
        (safetensors_bytes(b'{"w": 1, "w": 2}'), "names 'w' twice"),
        (safetensors_bytes({"__metadata__": {"a": 1}}), "not a table of texts"),
        (safetensors_bytes({"w": 1}), "lacks its type"),
        (safetensors_bytes({"w": {"dtype": "F16", "shape": [1]}}, bytes(2)), "lacks its type"),
        (safetensors_bytes(one(dtype="F17"), bytes(12)), "unknown type 'F17'"),
        (safetensors_bytes(one(dtype=["F16"]), bytes(12)), "type that is not text"),
        (
            safetensors_bytes(
                b'{"w": {"dtype":' + b"[" * 900 + b"]" * 900 + b',"shape":[],"data_offsets":[]}}'
            ),
            "type that is not text|nested too deeply",
        ),
        (safetensors_file({"x" * 501: ()}), "a name of 501 characters; 500 are the most"),
        (safetensors_file({f"{number}": (0,) for number in range(100_001)}), "100,001 tensors"),
        (safetensors_bytes({"\ud800" * 200: 1}), r"its tensor '[\\ud80]+…' lacks"),
        (safetensors_bytes(one(shape="23"), bytes(12)), "not a list of counts"),
        (safetensors_bytes(one(shape=[2, -3]), bytes(12)), "not a list of counts"),
        (safetensors_bytes(one(shape=[2, 3.0]), bytes(12)), "not a list of counts"),
        (safetensors_bytes(one(shape=[2, True]), bytes(12)), "not a list of counts"),
        (safetensors_bytes(one(shape=[1] * 65), bytes(12)), "not a list of counts"),
        (safetensors_bytes(one(shape=[2**62] * 64), bytes(12)), "do not make"),
        (safetensors_bytes(one(shape=[2, 4]), bytes(12)), "do not make"),
        (safetensors_bytes(one(dtype="F32"), bytes(12)), "do not make"),
        (
            safetensors_bytes(one(offsets=[12, 0]), bytes(12)),
            "place in the file that makes no sense",
        ),
        (
            safetensors_bytes(one(offsets=[-12, 0]), bytes(12)),
            "place in the file that makes no sense",
        ),
        (
            safetensors_bytes(one(offsets=[0, 6, 12]), bytes(12)),
            "place in the file that makes no sense",
        ),
        (safetensors_bytes(one(offsets=[4, 16]), bytes(16)), "leaves a hole"),
        (safetensors_bytes(one(), bytes(13)), "1 bytes follow the last tensor"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
        (b"<!DOCTYPE html><html><body>404</body></html>", "web page"),
        (b"PK\x03\x04" + bytes(60), "rename it to end in .ckpt"),
    ],
)
def test_a_lie_is_refused_with_a_reason(data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableHeader, match=reason) as caught:
        read(data)
    assert not isinstance(caught.value, IncompleteFile)
    assert len(caught.value.reason) < 250


@pytest.mark.parametrize("length", [0x280, 0x10280])
def test_a_header_whose_length_looks_like_a_pickle_is_read(length: int) -> None:
    data = safetensors_bytes(json.dumps(one()).encode().ljust(length), bytes(12))
    assert data.startswith(b"\x80\x02")
    assert set(read(data).tensors) == {"w"}


def test_an_empty_file_may_become_complete() -> None:
    with pytest.raises(IncompleteFile, match="the file is empty; copy it again"):
        read(b"")


def test_overlapping_tensors_are_refused() -> None:
    table = {
        "a": {"dtype": "U8", "shape": [8], "data_offsets": [0, 8]},
        "b": {"dtype": "U8", "shape": [8], "data_offsets": [4, 12]},
    }
    with pytest.raises(UnreadableHeader, match="'b' overlaps another"):
        read(safetensors_bytes(table, bytes(12)))


def test_offsets_outside_the_file_mean_incomplete_and_are_not_read() -> None:
    with pytest.raises(IncompleteFile, match="finish copying it"):
        read(safetensors_bytes(one(shape=[2**40], offsets=[0, 2**41]), bytes(12)))


def test_a_claimed_length_reserves_no_memory() -> None:
    data = safetensors_bytes(b'{"a"', bytes(99), length=99_000_000)
    tracemalloc.start()
    try:
        with pytest.raises(IncompleteFile):
            read(data)
        with pytest.raises(IncompleteFile):  # the size is a lie too
            read(data, size=200_000_000)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2_000_000


def test_a_safetensors_file_with_a_pickle_name_is_recognised() -> None:
    data = safetensors_file({"w": (2,)})
    with pytest.raises(UnreadableHeader, match=r"rename it to end in \.safetensors"):
        read_header(io.BytesIO(data), len(data), ".ckpt")


def test_a_name_of_the_maximum_length_is_read() -> None:
    assert "x" * 500 in read(safetensors_file({"x" * 500: (2,)})).tensors
