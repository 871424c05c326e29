"""Torch files with excessive demands, and harmless ones that contain more than tensors.

Each is read in a child process with a limit of memory and of time: the hostile files would take the
machine's memory, or never end.
"""

import argparse
import collections
import json
import resource
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.paths import ROOT

pytestmark = [
    pytest.mark.torch,
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process's peak"),
]

torch = pytest.importorskip("torch")

HUGE = 3 * 2**30
LIMIT = 8 * 2**30  # of address space; torch alone has 3 GiB of it


class Call:
    """Is pickled as the instruction to call `function` with `arguments`."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple[Any, ...]:
        return self.call


def weights() -> dict[str, Any]:
    return {f"model.{number}": torch.ones(16, 16, dtype=torch.float16) for number in range(50)}


def one_number_as(*shape: int) -> Any:
    return torch.zeros(1, dtype=torch.float16).expand(shape)


def nested(sizes: Any, strides: Any, offsets: Any) -> Call:
    return Call(torch._utils._rebuild_nested_tensor, torch.zeros(4), sizes, strides, offsets)


def cycle() -> dict[str, Any]:
    table = weights()
    table["state_dict"] = table
    return table


def cycle_of_two() -> dict[str, Any]:
    table = weights()
    table["state_dict"] = {"state_dict": table}
    return table


def long_chain() -> dict[str, Any]:
    table = weights()
    for _ in range(100):
        table = {"state_dict": table}
    return table


def doubled() -> dict[str, Any]:
    """Return a table of the last table twice, 30 times: some 2**30 entries if it is followed."""
    table: dict[str, Any] = {"w": torch.ones(2)}
    for _ in range(30):
        table = {"a": table, "b": table}
    return table


def sparse() -> Call:
    parts = (torch.tensor([[10**12]]), torch.tensor([1.0]), torch.Size([5]), False)
    return Call(torch._utils._rebuild_sparse_tensor, (torch.sparse_coo, parts))


ROWS = 10**7
ATTACKS: dict[str, Callable[[], Any]] = {
    "bytearray": lambda: weights() | {"x": Call(bytearray, HUGE)},
    "untyped-storage": lambda: weights() | {"x": Call(torch.UntypedStorage, HUGE)},
    "tensor": lambda: weights() | {"x": Call(torch.Tensor, HUGE // 4)},
    "float-tensor": lambda: weights() | {"x": Call(torch.FloatTensor, HUGE // 4)},
    "half-storage": lambda: weights() | {"x": Call(torch.HalfStorage, HUGE // 2)},
    "converted": lambda: (
        weights()
        | {
            "x": Call(
                torch._utils._rebuild_device_tensor_from_cpu_tensor,
                one_number_as(1000),
                torch.float64,
                "cpu",
                False,
            )
        }
    ),
    "repeated": lambda: weights() | {"x": one_number_as(HUGE)},
    "repeated-often": lambda: {str(i): one_number_as(2**27) for i in range(80)},
    "nested-sizes": lambda: (
        weights()
        | {
            "x": nested(
                torch.ones(1, 1, dtype=torch.int64).expand(ROWS, 3),
                torch.ones(1, 1, dtype=torch.int64).expand(ROWS, 3),
                torch.zeros(1, dtype=torch.int64).expand(ROWS),
            )
        }
    ),
    "sparse": lambda: weights() | {"x": sparse()},
    "counter": lambda: weights() | {"x": Call(collections.Counter, Call(bytearray, HUGE))},
    "set": lambda: weights() | {"x": Call(set, Call(bytearray, HUGE))},
    "range": lambda: weights() | {"x": Call(list, Call(map, str, Call(range, HUGE)))},
    "cycle": cycle,
    "cycle-of-two": cycle_of_two,
    "long-chain": long_chain,
    "doubled": doubled,
    "no-table": lambda: torch.ones(5),
    "no-tensors": lambda: {"epoch": 3},
}


def of_another_package(module: str, name: str) -> type:
    """Return an empty class under a module's name that need not be installed."""
    made = type(name, (), {"__module__": module, "__qualname__": name})
    for end in range(1, module.count(".") + 2):
        path = ".".join(module.split(".")[:end])
        sys.modules.setdefault(path, types.ModuleType(path))
    setattr(sys.modules[module], name, made)
    return made


def trained(**more: Any) -> dict[str, Any]:
    return {"epoch": 5, "global_step": 470_000, "state_dict": weights(), **more}


def callback() -> dict[str, Any]:
    kind = of_another_package("lightning_of_old.callbacks", "ModelCheckpoint")
    return trained(callbacks={kind: {"best": torch.tensor(0.1)}})


def numpy_scalar() -> dict[str, Any]:
    import numpy

    return trained(loss=numpy.float64(0.5), rates=[numpy.float32(1)], table=numpy.ones(3))


HARMLESS: dict[str, Callable[[], Any]] = {
    "callback": callback,
    "numpy": numpy_scalar,
    "defaultdict": lambda: trained(x=collections.defaultdict(dict, {"a": {}})),
    "namespace": lambda: trained(x=argparse.Namespace(lr=1e-4)),
    "parameters": lambda: {name: torch.nn.Parameter(value) for name, value in weights().items()},
    "ordered": lambda: collections.OrderedDict(weights()),
    "path": lambda: trained(x=Path("logs")),
    "set-and-bytes": lambda: trained(x=[{1, 2}, bytearray(b"four"), b"five", 2j]),
    "optimizer": lambda: trained(o=[{"state": {0: {"exp_avg": one_number_as(320, 4, 3, 3)}}}]),
}


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return the outcome of reading each file."""
    folder = tmp_path_factory.mktemp("pickles")
    files = []
    for zipped in (True, False):
        for name, make in {**ATTACKS, **HARMLESS}.items():
            path = folder / f"{name} {'zip' if zipped else 'old'}.ckpt"
            torch.save(make(), path, _use_new_zipfile_serialization=zipped)
            assert path.stat().st_size < 200_000
            files.append(str(path))
    done = subprocess.run(
        [sys.executable, "-m", "tests.contract.hostile.pickle_child", *files],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=250,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (LIMIT, LIMIT)),
    )
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    return {row["name"]: row for row in rows}


FORMATS = pytest.mark.parametrize("form", ["zip", "old"])


@FORMATS
@pytest.mark.parametrize("name", ATTACKS)
def test_a_file_with_excessive_demands_is_refused_quickly_and_in_little_memory(
    ended: dict[str, Any], name: str, form: str
) -> None:
    row = ended[f"{name} {form}"]
    assert f"{name} {form}.ckpt" in row["ended"]
    assert "tensors" not in row["ended"].split(" ")[1:2]
    assert row["seconds"] < 10
    assert row["bytes"] < 64 * 2**20


@FORMATS
@pytest.mark.parametrize("name", HARMLESS)
def test_a_file_with_more_than_tensors_is_read(ended: dict[str, Any], name: str, form: str) -> None:
    assert ended[f"{name} {form}"]["ended"] == "50 tensors"


@FORMATS
def test_a_loaded_tensor_equals_the_saved_one(form: str, tmp_path: Path) -> None:
    from adapters.diffusion.untrusted.torch_weights import read_torch_weights

    base = torch.arange(100, dtype=torch.float32).reshape(10, 10)
    saved = {
        "odd": torch.arange(3, dtype=torch.uint8),  # in old files the following data is not aligned
        "view": base[2:5, ::2],
        "transposed": base.t(),
        "base": base,
        "number": torch.tensor(3.5, dtype=torch.bfloat16),
        "complex": torch.tensor([1 + 2j]),
        "eighth": torch.tensor([1.5]).to(torch.float8_e4m3fn),
        "truth": torch.tensor([True, False]),
        "empty": torch.zeros(0, 4),
        "repeated": torch.tensor([7.0]).expand(3, 3),
    }
    path = tmp_path / "a.ckpt"
    torch.save(saved, path, _use_new_zipfile_serialization=form == "zip")
    read = read_torch_weights("a.ckpt", str(path))
    assert read.keys() == saved.keys()
    for name, value in saved.items():
        assert read[name].dtype == value.dtype
        assert read[name].shape == value.shape
        assert read[name].stride() == value.stride()
        assert bytes(read[name].contiguous().view(-1).view(torch.uint8).tolist()) == bytes(
            value.contiguous().view(-1).view(torch.uint8).tolist()
        )
    assert read["base"].untyped_storage().data_ptr() == read["view"].untyped_storage().data_ptr(), (
        "tensors that share data in the file share it here"
    )
