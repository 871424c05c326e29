"""Objects beside the tensors of a pickle: what is left alone, and what is refused by its name."""

import contextlib
import io
import pickle
import subprocess
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest

from adapters.filesystem.headers.reading import Header, TensorFacts, UnreadableHeader, read_header
from tests.unit.classification.pickle_objects import CALLED, TRAINED, VALUES, module
from tests.unit.filesystem.model_files import legacy_file, pickled, tensor, zip_file

W = {"w": TensorFacts("float16", (2, 2))}


def read(data: bytes) -> Header:
    return read_header(io.BytesIO(data), len(data), ".ckpt")


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_what_python_itself_pickles_is_left_alone(value: object, protocol: int) -> None:
    header = read(zip_file(pickle.dumps({"epoch": 5, "kept": value}, protocol)))
    assert (header.unsafe_globals, header.unsupported) == ((), ())
    assert header.metadata["epoch"] == "5"


@pytest.mark.parametrize("write", [zip_file, legacy_file])
@pytest.mark.parametrize("value", TRAINED.values(), ids=TRAINED)
def test_what_trainers_keep_is_left_alone(value: object, write: Any) -> None:
    header = read(write({"state_dict": {"w": tensor((2, 2))}, "kept": value}))
    assert header.tensors == W
    assert (header.unsafe_globals, header.unsupported) == ((), ())


@pytest.mark.parametrize("write", [zip_file, legacy_file])
@pytest.mark.parametrize(("value", "shown"), CALLED.values(), ids=CALLED)
def test_a_call_is_refused_by_the_name_of_what_it_calls(
    value: object, shown: str, write: Any
) -> None:
    header = read(write({"state_dict": {"w": tensor((2, 2))}, "kept": value}))
    assert shown in header.unsafe_globals
    assert header.tensors == W


def test_a_call_of_a_result_is_refused() -> None:
    for made in (b"cfunctools\npartial\n(cos.path\njoin\ntR", b"ca\nB\n)R"):
        header = read(zip_file(b"\x80\x02" + made + b")R."))
        assert "a call of something that is not a function" in header.unsupported


@pytest.mark.parametrize("slots", [False, True])
@pytest.mark.parametrize("method", ["__setstate__", "append", "__setitem__", "extend"])
def test_a_function_in_the_place_of_a_method_is_refused(method: str, slots: bool) -> None:
    """BUILD sets attributes, and a later instruction calls them: a call without a call."""
    state = b"}X%b%b" % (len(method).to_bytes(4, "little"), method.encode()) + b"cpip\nmain\ns"
    state = b"N" + state + b"\x86" if slots else state
    header = read(zip_file(b"\x80\x02ca\nB\n)\x81" + state + b"b."))
    assert header.unsafe_globals == ("pip.main",)


def test_a_change_of_a_class_is_refused() -> None:
    header = read(zip_file(b"\x80\x02ca\nB\n}b."))
    assert header.unsupported == ("a change of a.B",)


def test_a_way_out_of_a_package_is_refused() -> None:
    computed = b"\x80\x04\x8c\x04yaml\x94\x8c\x09os.system\x94\x93."
    assert read(zip_file(computed)).unsafe_globals == ("yaml.os.system",)
    nested = b"\x80\x04\x8c\x04yaml\x94\x8c\x09Node.Kind\x94\x93."
    assert read(zip_file(nested)).unsafe_globals == ()


def test_a_program_that_python_itself_pickles_is_refused(tmp_path: Path) -> None:
    trap = tmp_path / "sprung"

    class Program:
        def __reduce__(self) -> tuple[Any, ...]:
            return subprocess.check_call, (["touch", str(trap)],)

    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        header = read(zip_file(pickle.dumps({"a": Program()}, protocol)))
        assert header.unsafe_globals == ("subprocess.check_call",)
    assert not trap.exists()


def test_tables_of_other_classes_and_whole_networks_hold_tensors() -> None:
    weights = OrderedDict({"weight": tensor((2, 2))})
    inner = module(parameters=weights, buffers={}, modules={})
    outer = b"\x80\x02ca.net\nNet\n)\x81}X\x08\x00\x00\x00_modules}X\x01\x00\x00\x00a" + inner
    file = zip_file(outer + b"ssb.", extra={"model/data/0": bytes(8)})
    assert read(file).tensors == {"a.weight": W["w"]}
    shapes = pickled({"w": tensor((2, 2))})[3:-1]
    for made in (
        b"ccollections\ndefaultdict\nc__builtin__\ndict\n\x85R",
        b"ceasydict\nEasyDict\n)\x81",
    ):
        file = zip_file(b"\x80\x02" + made + shapes + b".", extra={"model/data/0": bytes(8)})
        assert read(file).tensors == W


@pytest.mark.parametrize(
    "function", [b"ccopyreg\n__newobj__\n", b"ctorch._tensor\n_rebuild_from_type_v2\n"]
)
def test_a_deep_chain_of_rebuilders_ends(function: bytes) -> None:
    chain = function + b"(" + function + b"N"
    code = b"\x80\x02" + chain * 3000 + b"(tNt" + b"NtR" * 3000 + b"."
    with contextlib.suppress(UnreadableHeader):
        header = read(zip_file(code))
        assert header.unsafe_globals or header.unsupported
