"""Torch files with an object where a name belongs."""

import io
import time
import tracemalloc

import pytest

from adapters.filesystem.headers.reading import Header, UnreadableHeader, read_header
from tests.unit.filesystem.model_files import legacy_file, pickled, tensor, zip_file


def read(data: bytes) -> Header:
    return read_header(io.BytesIO(data), len(data), ".ckpt")


NESTED = b")" + b"\x85" * 20_000
# A list, then 25 times a list of the last one twice: printed it would have 2**25 pairs of brackets.
DOUBLED = b"]q\x00" + b"".join(
    b"0](h%ch%ceq%c" % (before, before, before + 1) for before in range(25)
)


@pytest.mark.parametrize(
    "thing",
    [NESTED, DOUBLED, b"N", b"K\x05", b"C\x02os"],
    ids=["nested", "doubled", "None", "number", "bytes"],
)
@pytest.mark.parametrize(
    "code",
    [
        b"%bX\x01\x00\x00\x00a\x93.",  # as a module's name
        b"X\x02\x00\x00\x00os%b\x93.",  # as an attribute's
        b"(%bctorch\nHalfStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x01tQ.",  # as "storage"
        b"(X\x07\x00\x00\x00storagectorch\nHalfStorage\n%bX\x03\x00\x00\x00cpuK\x01tQ.",  # as a key
    ],
    ids=["module", "attribute", "storage", "key"],
)  # fmt: skip
def test_only_text_is_a_name(code: bytes, thing: bytes) -> None:
    started = time.process_time()
    tracemalloc.start()
    try:
        with pytest.raises(UnreadableHeader, match="where a name belongs"):
            read(zip_file(b"\x80\x02" + code % thing))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 20_000_000
    assert time.process_time() - started < 5


@pytest.mark.parametrize("key", [NESTED, DOUBLED, b"K\x00"], ids=["nested", "doubled", "number"])
def test_only_text_is_a_key_of_tensor_data(key: bytes) -> None:
    good = legacy_file({"w": tensor((4,))})
    keys, data = pickled(["0"]), 8 + 8
    assert good[-data - len(keys) : -data] == keys
    with pytest.raises(UnreadableHeader, match="list of tensor data is missing"):
        read(good[: -data - len(keys)] + b"\x80\x02](" + key + b"e." + good[-data:])


def test_a_key_that_is_an_odd_object_is_skipped() -> None:
    code = b"\x80\x02}(" + DOUBLED + b"K\x01" + NESTED + b"K\x01X\x01\x00\x00\x00aK\x07K\x05K\x06u."
    assert read(zip_file(code)).metadata == {"a": "7", "5": "6"}


def test_a_long_name_is_refused_everywhere() -> None:
    for code in (
        b"c" + b"a" * 501 + b"\nb\n.",
        b"\x80\x02X\xf5\x01\x00\x00" + b"a" * 501 + b"h\x00\x93.",
    ):
        with pytest.raises(UnreadableHeader):
            read(zip_file(code))


def test_a_huge_number_of_names_is_not_stored() -> None:
    # 600 modules and 600 attributes, each of 400 letters, in all their pairs: 288 MB of names.
    texts = b"".join(
        b"X\x90\x01\x00\x00%b\x94" % (b"%04d" % number).ljust(400, b"a") for number in range(600)
    )
    pairs = b"".join(
        b"j" + first.to_bytes(4, "little") + b"j" + second.to_bytes(4, "little") + b"\x930"
        for first in range(600)
        for second in range(0, 600, 7)
    )
    tracemalloc.start()
    try:
        with pytest.raises(UnreadableHeader, match="more pickle instructions"):
            read(zip_file(b"\x80\x04" + texts + pairs + b"."))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 60_000_000
