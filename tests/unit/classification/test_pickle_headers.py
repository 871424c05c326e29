"""Headers of torch's files, read without torch and without running their code."""

import contextlib
import io
import os
import pickle
import random
import time
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import pytest

from adapters.filesystem.headers.reading import Header, TensorFacts, UnreadableHeader, read_header
from tests.unit.filesystem.model_files import call, legacy_file, pickled, tensor, zip_file


def read(data: bytes, extension: str = ".ckpt") -> Header:
    return read_header(io.BytesIO(data), len(data), extension)


WRITERS = pytest.mark.parametrize("write", [zip_file, legacy_file])


@WRITERS
def test_names_types_and_shapes_are_read(write: Callable[[object], bytes]) -> None:
    header = read(
        write(
            OrderedDict(
                {
                    "a.weight": tensor((2, 3)),
                    "b": tensor((4,), key="1", kind="BFloat16Storage"),
                    "number": tensor((), key="2", kind="LongStorage"),
                    "gpu": tensor((2,), key="3", kind="cuda.FloatStorage"),
                }
            )
        )
    )
    assert header.tensors == {
        "a.weight": TensorFacts("float16", (2, 3)),
        "b": TensorFacts("bfloat16", (4,)),
        "number": TensorFacts("int64", ()),
        "gpu": TensorFacts("float32", (2,)),
    }
    assert header.unsafe_globals == header.unsupported == ()


@WRITERS
def test_tensors_under_state_dict_count_and_numbers_beside_it_are_metadata(
    write: Callable[[object], bytes],
) -> None:
    content = {
        "global_step": 875000,
        "callbacks": {"x": tensor((9,), key="9")},
        "state_dict": {"state_dict": {"w": tensor((1, 2)), "deep": {"er": tensor((3,), key="1")}}},
    }
    header = read(write(content))
    assert header.tensors == {
        "w": TensorFacts("float16", (1, 2)),
        "deep.er": TensorFacts("float16", (3,)),
    }
    assert header.metadata["global_step"] == "875000"


def test_parameters_views_and_new_types_are_read() -> None:
    parameter = call("torch._utils._rebuild_parameter", tensor((2, 2)), True, {})
    view = tensor((2,), key="1", elements=9, offset=7)
    eighth = tensor((6,), key="2", kind="storage.UntypedStorage", elements=24)
    eighth.function.name = "torch._utils._rebuild_tensor_v3"
    float8 = call("torch.float8_e4m3fn").function
    eighth.arguments = (*eighth.arguments, float8)
    header = read(zip_file({"p": parameter, "v": view, "e": eighth}))
    assert header.tensors == {
        "p": TensorFacts("float16", (2, 2)),
        "v": TensorFacts("float16", (2,)),
        "e": TensorFacts("float8_e4m3fn", (6,)),
    }


class Malicious:
    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (self.command,)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("pack", [lambda data: data, zip_file])
def test_code_in_a_pickle_is_named_and_not_run(
    tmp_path: Path, protocol: int, pack: Callable[[bytes], bytes]
) -> None:
    trap = tmp_path / "sprung"
    data = pickle.dumps({"w": Malicious(f"touch {trap}")}, protocol)
    assert read(pack(data)).unsafe_globals == ("os.system",)
    assert not trap.exists()
    pickle.loads(data)
    assert trap.exists(), "the trap must be one"


@WRITERS
def test_code_beside_valid_tensors_is_named(write: Callable[[object], bytes]) -> None:
    header = read(write({"w": tensor((2,)), "x": call("posix.system", "true")}))
    assert header.unsafe_globals == ("os.system",)
    assert "w" in header.tensors


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("__builtin__.eval", "builtins.eval"),
        ("nt.system", "os.system"),
        ("torch.hub.load", "torch.hub.load"),
        ("torch._utils._import_dotted_name", "torch._utils._import_dotted_name"),
        ("torch.StorageStorage",) * 2,
        ("numpy.core.multiarray.fromfile",) * 2,
        ("numpy.load",) * 2,
        ("subprocess.Popen",) * 2,
        ("builtins.getattr",) * 2,
        ("pip.main",) * 2,
        ("cloudpickle.loads",) * 2,
        ("__main__.run",) * 2,
    ],
)
def test_a_name_that_no_checkpoint_needs_is_unsafe(name: str, shown: str) -> None:
    assert read(zip_file({"x": call(name, "y")})).unsafe_globals == (shown,)


def test_old_call_instructions_are_recognised() -> None:
    inst = b"(S'true'\nios\nsystem\n."
    obj = b"(cos\nsystem\nS'true'\no."
    computed = b"\x80\x04\x8c\x02os\x94\x8c\x06system\x93."
    for code in (inst, obj, computed):
        assert read(zip_file(code)).unsafe_globals == ("os.system",)


def test_a_call_that_would_have_to_run_is_reported() -> None:
    assert read(zip_file(b"\x80\x02X\x01\x00\x00\x00a)R.")).unsupported == (
        "a call of something that is not a function",
    )
    assert read(zip_file(b"\x80\x02\x82\x01.")).unsupported == ("EXT1",)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_strings_of_every_protocol_are_read(protocol: int) -> None:
    header = read(zip_file(pickle.dumps({"epoch": "x" * 10, "global_step": 7}, protocol)))
    assert header.metadata == {"epoch": "x" * 10, "global_step": "7"}
    assert header.unsafe_globals == header.unsupported == ()


@pytest.mark.parametrize(
    "value",
    [
        call("pytorch_lightning.callbacks.model_checkpoint.ModelCheckpoint").function,
        call("pytorch_lightning.callbacks.ModelCheckpoint", "val/loss"),
        call("numpy.core.multiarray.scalar", call("numpy.dtype", "f8"), b"abcdefgh"),
        call("numpy._core.multiarray.scalar", call("numpy.dtype", "f8"), b"abcdefgh"),
        call("collections.defaultdict", call("builtins.dict").function),
        call("copyreg._reconstructor", call("argparse.Namespace").function, None, None),
        call("__main__.TrainingOptions", 1, 2),
        call("omegaconf.dictconfig.DictConfig"),
        call("pathlib.PosixPath", "logs", "run"),
        call("builtins.set", [1, 2]),
        call("builtins.bytearray", b"four"),
    ],
    ids=lambda value: getattr(value, "name", None) or value.function.name,
)
@WRITERS
def test_trainer_state_beside_the_weights_is_ignored(
    write: Callable[[object], bytes], value: object
) -> None:
    header = read(write({"state_dict": {"w": tensor((2, 2))}, "kept": [{"x": value}]}))
    assert header.tensors == {"w": TensorFacts("float16", (2, 2))}
    assert header.unsafe_globals == header.unsupported == ()


def repeated(size: int) -> object:
    """Return a tensor that shows one stored byte `size` times."""
    made = tensor((1,), key="repeated", kind="ByteStorage", elements=1)
    storage, offset, _, _, *rest = made.arguments
    return call("torch._utils._rebuild_tensor_v2", storage, offset, (size,), (0,), *rest)


def states(depth: int) -> object:
    """Return tables, each the `state_dict` of the next."""
    return {"state_dict": states(depth - 1)} if depth else {"w": tensor((4,))}


STATE = b"X\x0a\x00\x00\x00state_dict"
CYCLE = b"\x80\x02}q\x00" + STATE + b"h\x00s."
CYCLE_OF_TWO = b"\x80\x02}q\x00" + STATE + b"}" + STATE + b"h\x00ss."
GOOD = zip_file({"w": tensor((64, 64))})
OLD = legacy_file({"w": tensor((64, 64))})


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the file is empty"),
        (bytes(4096), "does not begin as one"),
        (random.Random(0).randbytes(64).replace(b"\x80", b"\x00"), "does not begin as one"),
        (pickled({"w": 1}), "not one that torch wrote"),
        (GOOD[:-1], "cut off"),
        (GOOD[: len(GOOD) // 2], "cut off"),
        (OLD[:-1], "cut off"),
        (OLD[:40], "cut off or damaged"),
        (legacy_file({"w": tensor((4,))}, keys=[]), "whose data it does not hold"),
        (legacy_file({"w": tensor((4,))}, keys=["0", "7"]), "names what no tensor uses"),
        (zip_file({"w": tensor((4,))}, shorten=1), "lacks data"),
        (zip_file({"w": tensor((4,), elements=3)}), "outside its data"),
        (zip_file({"w": tensor((4,), offset=1, elements=4)}), "outside its data"),
        (zip_file({"w": tensor((2**40, 2**40), elements=4)}), "outside its data"),
        (zip_file({"w": tensor((-4,), elements=4)}), "damaged"),
        (zip_file({"w": tensor((1,) * 65)}), "damaged"),
        (zip_file({"w": tensor((4,), kind="QInt8Storage", elements=4)}), "does not have"),
        (zip_file({"x" * 501: 1}), "longer than any"),
        (zip_file({"w": tensor((4,))}, deflate=True), "compressed"),
        (zip_file({"w": tensor((4,))}, extra={"model/byteorder": b"big"}), "byte order"),
        (zip_file({"w": call("builtins.bytearray", 3 * 2**30)}), "does not hold, by a call of"),
        (zip_file({"w": call("torch.Tensor", 2**30)}), "does not hold, by a call of"),
        (zip_file({"w": call("torch.FloatTensor", 2**30)}), "does not hold, by a call of"),
        (zip_file({"w": call("torch.HalfStorage", 2**30)}), "does not hold, by a call of"),
        (zip_file({"w": call("torch.storage.UntypedStorage", 9)}), "does not hold, by a call of"),
        (zip_file({"w": call("torch._utils._rebuild_sparse_tensor")}), "by a call of"),
        (zip_file({"w": call("torch._utils._rebuild_nested_tensor")}), "by a call of"),
        (zip_file({"w": call("torch._utils._rebuild_qtensor")}), "by a call of"),
        (zip_file({"w": repeated(2**28 + 2)}), "far larger than its data"),
        (zip_file({str(i): repeated(2**28) for i in range(65)}), "far larger than their data"),
        (zip_file(CYCLE), "contains itself"),
        (zip_file(CYCLE_OF_TWO), "contains itself"),
        (zip_file(b"\x80\x02}q\x00X\x01\x00\x00\x00ah\x00s."), "contains itself"),
        (zip_file(states(40)), "contains itself, or has no end"),
        (zip_file(b"\x80\x02}"), "cut off or damaged"),
        (zip_file(b"\x80\x02."), "damaged"),
        (zip_file(b"\x80\x02t."), "damaged"),
        (zip_file(b"\x80\x02Q."), "damaged"),
        (zip_file(b"\x80\x02h\x09."), "damaged"),
        (zip_file(b"\x80\x02X\xff\xff\xff\xffab."), "damaged"),
        (zip_file(b"\x80\x02I" + b"9" * 5000 + b"\n."), "damaged"),
        (zip_file({}, extra={"MODEL/data.pkl": b""}), "two entries of the same name"),
        (zip_file({}, extra={"model/constants.pkl": b""}), "TorchScript"),
        (zip_file({}, extra={"model/big": bytes(10**7)}, deflate=True), "far more than its size"),
        (b"<html></html>" * 9, "web page"),
    ],
)
def test_a_lie_is_refused_with_a_reason(data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableHeader, match=reason) as caught:
        read(data)
    assert len(caught.value.reason) < 200


def test_a_zip_file_without_a_model_is_refused() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("holiday.jpg", b"")
    with pytest.raises(UnreadableHeader, match="without a torch model"):
        read(out.getvalue())


@pytest.mark.parametrize(
    "value", [repeated(2**28 + 1), states(31), {"a": states(3), "b": states(3)}]
)
def test_values_just_within_the_limits_are_read(value: object) -> None:
    assert read(zip_file({"x": value, "w": tensor((4,))})).tensors["w"].shape == (4,)


def test_every_cut_of_a_file_is_refused_not_misread() -> None:
    for data in (GOOD, OLD):
        for length in range(1, len(data), 97):
            with pytest.raises(UnreadableHeader):
                read(data[:length])


def test_a_file_with_any_flipped_byte_is_survived() -> None:
    data = bytearray(zip_file({"state_dict": {"w": tensor((2, 2)), "x": tensor((3,), key="1")}}))
    for position in range(len(data)):
        data[position] ^= 0xFF
        with contextlib.suppress(UnreadableHeader):
            read(bytes(data))
        data[position] ^= 0xFF


def test_an_odd_escape_in_a_damaged_pickle_is_survived() -> None:
    assert read(zip_file(b"S'\\~'\n.")).tensors == {}


LONG_LIST = b"\x80\x02]q\x00(" + b"N" * 9_999 + b"e0"


@pytest.mark.parametrize(
    "code",
    [
        b"\x80\x02" + b"N0" * 600_000 + b".",  # more than a million instructions
        b"\x80\x02" + b"}q\x00" + b"(U\x01ah\x00U\x01bh\x00u" + b".",  # a dictionary in itself
        # a long list, copied again and again
        LONG_LIST + b"ccollections\nOrderedDict\nh\x00\x85R0" * 9_999 + b".",
        b"\x80\x02" + b"(" * 900_000 + b".",
        b"\x80\x02" + b")\x85" * 499_000 + b".",  # nested half a million deep
    ],
)  # fmt: skip
def test_a_bomb_costs_little(code: bytes) -> None:
    start = time.process_time()
    with contextlib.suppress(UnreadableHeader):
        read(zip_file(code))
    assert time.process_time() - start < 10


def test_a_huge_zip_directory_is_not_read() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for number in range(70):
            archive.writestr(f"model/{number:03}" + "x" * 60_000, b"")
    with pytest.raises(UnreadableHeader, match="larger than any"):
        read(out.getvalue())
