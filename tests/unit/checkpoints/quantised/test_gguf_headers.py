"""The header of a GGUF file: what it tells, and what it cannot claim."""

import io
import struct
import time

import pytest

from domain.checkpoints.header_values import UnreadableHeader
from domain.checkpoints.quantised.gguf import CutOff, GgufFile, read_gguf
from domain.checkpoints.quantised.gguf.types import TYPES
from tests.unit.checkpoints.quantised.gguf_files import (
    entry,
    gguf_file,
    list_of,
    listed_tensor,
    text,
)

F32, F16, Q8_0, Q4_K, IQ2_XS = 0, 1, 8, 12, 17
ROW = struct.pack("<4f", 1, 2, 3, 4)


def read(data: bytes) -> GgufFile:
    return read_gguf(io.BytesIO(data), len(data))


def header(tensors: int, entries: int, rest: bytes = b"") -> bytes:
    return b"GGUF" + struct.pack("<IQQ", 3, tensors, entries) + rest


def test_names_shapes_types_and_places_are_read() -> None:
    data = gguf_file(
        {"a": ((2, 2), F32, ROW), "b.weight": ((1, 64), Q8_0, bytes(68))},
        [entry("general.architecture", "flux"), entry("general.file_type", 7)],
    )
    found = read(data)
    a, b = found.tensors["a"], found.tensors["b.weight"]
    assert (a.type.name, a.shape, a.size) == ("F32", (2, 2), 16)
    assert (b.type.name, b.shape, b.size) == ("Q8_0", (1, 64), 68)
    assert data[a.position : a.position + a.size] == ROW
    assert b.position + b.size == found.end
    assert found.metadata == {"general.architecture": "flux", "general.file_type": "7"}
    assert a.facts.dtype == "float32"
    assert b.facts.dtype == "bfloat16"


@pytest.mark.parametrize("alignment", [8, 32, 4096])
def test_the_data_begins_at_a_multiple_of_the_alignment(alignment: int) -> None:
    tensors = {"a": ((4,), F32, ROW), "b": ((4,), F32, ROW)}
    data = gguf_file(tensors, [entry("general.alignment", alignment)], alignment=alignment)
    for tensor in read(data).tensors.values():
        assert tensor.position % alignment == 0
        assert data[tensor.position : tensor.position + 16] == ROW


@pytest.mark.parametrize("value", ["abc", 0, 3, 2**31 - 1, 1.5, True])
def test_an_alignment_that_makes_no_sense_is_refused(value: object) -> None:
    with pytest.raises(UnreadableHeader, match="alignment"):
        read(gguf_file({}, [entry("general.alignment", value)]))


def test_long_lists_are_skipped_and_short_ones_are_kept() -> None:
    words = [f"word {number}" for number in range(200_000)]
    entries = [
        entry("tokenizer.ggml.tokens", list_of(words)),
        entry("tokenizer.ggml.types", list_of(range(100_000))),
        entry("comfy.gguf.orig_shape.a", list_of((2, 1, 2))),
        entry("general.name", "after them"),
    ]
    found = read(gguf_file({"a": ((4,), F32, ROW)}, entries))
    assert found.metadata == {"general.name": "after them"}
    assert found.tensors["a"].shape == (2, 1, 2)


def test_lists_in_lists_are_skipped() -> None:
    inner = list_of((1, 2, 3))
    nested = struct.pack("<IQ", 9, 2) + inner * 2
    found = read(gguf_file({}, [entry("nested", nested), entry("general.name", "x")]))
    assert found.metadata == {"general.name": "x"}


def test_texts_are_kept_up_to_a_bound_of_all() -> None:
    entries = [entry(f"key.{number}", "x" * 2**18) for number in range(20)]
    kept = [value for value in read(gguf_file({}, entries)).metadata.values() if value]
    assert len(kept) == 16


HOSTILE = {
    "2^60 tensors": header(2**60, 0),
    "2^60 entries": header(0, 2**60),
    "a name of 2^63 bytes": header(1, 0, text(b"a", length=2**63)),
    "a key of 2^63 bytes": header(0, 1, text(b"a", length=2**63)),
    "a text of 2^63 bytes": header(
        0, 1, text("a") + struct.pack("<I", 8) + text(b"", length=2**63)
    ),
    "a list of 2^61 numbers": header(0, 1, entry("a", list_of([1], count=2**61))),
    "a list of 2^61 texts": header(0, 1, entry("a", list_of(["x"], count=2**61))),
    "a list of a million texts": header(0, 1, entry("a", list_of(["x"], count=10**6))),
    "a list of 2^61 lists": header(0, 1, entry("a", list_of([], count=2**61, kind=9))),
    "lists in lists": header(0, 1, entry("a", struct.pack("<IQ", 9, 1) * 900_000)),
    "an unknown value": header(0, 1, text("a") + struct.pack("<I", 99)),
    "an unknown list": header(0, 1, entry("a", list_of([], kind=99))),
    "2^31 dimensions": header(1, 0, listed_tensor("a", (2,), F32, 0, dimensions=2**31)),
    "five dimensions": header(1, 0, listed_tensor("a", (1,) * 5, F32, 0)),
    "2^60 numbers": header(1, 0, listed_tensor("a", (2**30, 2**30), F32, 0)),
    "an unknown type": header(1, 0, listed_tensor("a", (32,), 99, 0)),
    "half a block": header(1, 0, listed_tensor("a", (2, 48), Q8_0, 0)),
    "a block of nothing": header(1, 0, listed_tensor("a", (), Q8_0, 0)),
    "one name twice": header(2, 0, listed_tensor("a", (1,), F32, 0) * 2),
    "one key twice": header(0, 2, entry("a", 1) * 2),
    "one place twice": header(
        2, 0, listed_tensor("a", (4,), F32, 0) + listed_tensor("b", (4,), F32, 4)
    ),
    "a name that is not UTF-8": header(1, 0, text(b"\xff\xfe")),
    "version 1": b"GGUF" + struct.pack("<IQQ", 1, 0, 0),
    "the other order of bytes": b"GGUF" + struct.pack(">IQQ", 3, 0, 0),
    "another shape": gguf_file(
        {"a": ((4,), F32, ROW)}, [entry("comfy.gguf.orig_shape.a", list_of((3, 2)))]
    ),
    "a negative shape": gguf_file(
        {"a": ((4,), F32, ROW)}, [entry("comfy.gguf.orig_shape.a", list_of((-2, -2)))]
    ),
    "two names that become one": gguf_file(
        {
            "token_embd.weight": ((4,), F32, ROW),
            "shared.weight": ((4,), F32, ROW),
        },
        [entry("general.architecture", "t5encoder")],
    ),
    "nothing": b"",
    "another file": b"PK\3\4" + bytes(60),
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_a_header_that_lies_is_refused_at_once(data: bytes) -> None:
    began = time.process_time()
    with pytest.raises(UnreadableHeader) as caught:
        read(data)
    assert time.process_time() - began < 0.5
    assert caught.value.reason.isprintable()
    assert len(caught.value.reason) < 300


def test_a_list_that_costs_seconds_is_refused() -> None:
    inner = list_of(["x"] * 1000)
    many = struct.pack("<IQ", 9, 5000) + inner * 5000
    with pytest.raises(UnreadableHeader, match="longer lists"):
        read(gguf_file({}, [entry("a", many)]))


@pytest.mark.parametrize("share", range(1, 20))
def test_a_cut_off_header_says_how_many_bytes_it_takes(share: int) -> None:
    data = gguf_file(
        {f"layer.{number}": ((1, 64), Q8_0, bytes(68)) for number in range(9)},
        [entry("general.name", "x" * 99), entry("words", list_of(["a", "b"]))],
    )
    whole = read(data)
    part = data[: share * len(data) // 20]
    try:
        found = read(part)
    except CutOff as error:
        assert len(part) < error.promised <= len(data)
    else:
        assert found.end == whole.end > len(part)


def test_a_header_for_12_gb_is_read_in_milliseconds(tmp_path: object) -> None:
    rows = 3072
    size = rows * 4096 // 256 * 144
    listed = b"".join(
        listed_tensor(f"double_blocks.{number}.img_mlp.0.weight", (rows, 4096), Q4_K, number * size)
        for number in range(1700)
    )
    data = header(1700, 0, listed)
    began = time.process_time()
    found = read(data)
    assert time.process_time() - began < 0.2
    assert found.end > 12e9


def test_the_precision_is_that_of_the_file_type_if_such_codes_are_there() -> None:
    codes = {"a": ((1, 256), Q4_K, bytes(144)), "b": ((2,), F32, ROW[:8])}
    assert read(gguf_file(codes, [entry("general.file_type", 15)])).quantisation.label == "Q4_K_M"
    assert read(gguf_file(codes, [entry("general.file_type", 7)])).quantisation.label == "Q4_K"
    assert read(gguf_file(codes)).quantisation.label == "Q4_K"
    plain = read(gguf_file({"a": ((2, 2), F16, bytes(8))})).quantisation
    assert (plain.label, plain.needs_gguf, plain.fault) == ("float16", False, None)


def test_codes_that_cannot_be_read_are_named() -> None:
    fault = read(gguf_file({"a": ((1, 256), IQ2_XS, bytes(74))})).quantisation.fault
    assert fault is not None
    assert "IQ2_XS" in fault
    assert "Q8_0" in fault


def test_the_sizes_of_the_types_are_those_of_the_library() -> None:
    gguf = pytest.importorskip("gguf")
    for number, kind in TYPES.items():
        theirs = gguf.GGMLQuantizationType(number)
        assert kind.name == theirs.name
        assert (kind.block, kind.size) == gguf.GGML_QUANT_SIZES[theirs]
    assert set(TYPES) == {int(each) for each in gguf.GGMLQuantizationType}
