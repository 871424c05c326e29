"""Files of the installed torch are read correctly, and its refusals are known."""

import io
import os
from collections import Counter, OrderedDict
from pathlib import Path
from typing import Any

import pytest

from adapters.filesystem.headers.reading import Header, TensorFacts, read_header
from domain.checkpoints.pickles.names import is_of_tensors
from domain.checkpoints.pickles.uses import may_be_called, may_be_named

pytestmark = pytest.mark.torch

FORMATS = pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])


def saved(value: object, *, zipped: bool, **options: Any) -> bytes:
    import torch

    file = io.BytesIO()
    torch.save(value, file, _use_new_zipfile_serialization=zipped, **options)
    return file.getvalue()


def read(data: bytes) -> Header:
    return read_header(io.BytesIO(data), len(data), ".ckpt")


@FORMATS
def test_a_training_checkpoint_is_read(zipped: bool) -> None:
    import torch

    base = torch.zeros(10, 10)
    state = OrderedDict(
        {
            "half": torch.zeros(2, 3, dtype=torch.float16),
            "brain": torch.zeros(4, dtype=torch.bfloat16),
            "eighth": torch.zeros(5, dtype=torch.float8_e4m3fn),
            "parameter": torch.nn.Parameter(torch.zeros(3, 2)),
            "view": base[2:5, ::2],
            "base": base,
            "transposed": base.t(),
            "repeated": torch.zeros(1).expand(7, 7),
            "number": torch.tensor(3),
            "empty": torch.zeros(0, 4),
        }
    )
    whole = {
        "state_dict": state,
        "global_step": 875000,
        "sizes": torch.Size([1]),
        "n": Counter("a"),
    }
    header = read(saved(whole, zipped=zipped))
    assert header.tensors == {
        name: TensorFacts(str(tensor.dtype).removeprefix("torch."), tuple(tensor.shape))
        for name, tensor in state.items()
    }
    assert header.metadata["global_step"] == "875000"
    assert header.unsafe_globals == header.unsupported == ()


@FORMATS
def test_every_type_of_element_is_known(zipped: bool) -> None:
    import torch

    names = "float64 float32 float16 bfloat16 int64 int32 int16 int8 uint8 uint16 uint32 bool"
    for name in f"{names} float8_e5m2 float8_e4m3fnuz complex64".split():
        tensor = torch.zeros(3, dtype=getattr(torch, name))
        assert read(saved({"w": tensor}, zipped=zipped)).tensors["w"].dtype == name


@FORMATS
def test_a_modules_state_and_a_whole_module(zipped: bool) -> None:
    import torch

    module = torch.nn.Linear(3, 2)
    assert read(saved(module.state_dict(), zipped=zipped)).tensors["weight"].shape == (2, 3)
    whole = torch.nn.Sequential(module, torch.nn.BatchNorm1d(2), torch.nn.ReLU())
    header = read(saved(whole, zipped=zipped))
    assert header.unsafe_globals == header.unsupported == ()
    assert {name: facts.shape for name, facts in header.tensors.items()} == {
        name: tuple(tensor.shape) for name, tensor in whole.state_dict().items()
    }


class Trap:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, (f"touch {self.path}",)


@FORMATS
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
def test_code_is_named_and_not_run_and_torch_refuses_it_too(
    zipped: bool, protocol: int, tmp_path: Path
) -> None:
    import pickle

    import torch

    path = tmp_path / "sprung"
    value = {"w": torch.zeros(2), "x": Trap(path)}
    data = saved(value, zipped=zipped, pickle_protocol=protocol)
    assert read(data).unsafe_globals == ("os.system",)
    with pytest.raises(pickle.UnpicklingError):
        torch.load(io.BytesIO(data), weights_only=True)
    assert not path.exists()


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
def test_a_file_of_any_pickle_protocol_is_read(protocol: int) -> None:
    header = read(saved({"w": torch_zeros(2)}, zipped=True, pickle_protocol=protocol))
    assert header.tensors["w"].shape == (2,)
    assert header.unsafe_globals == header.unsupported == ()


def torch_zeros(*shape: int) -> Any:
    import torch

    return torch.zeros(*shape)


def test_the_classes_that_the_installed_torch_allows_are_known_here() -> None:
    from torch import _weights_only_unpickler as unpickler

    allowed = unpickler._get_allowed_globals()
    assert len(allowed) > 100
    assert [name for name in allowed if not may_be_called(name)] == []


def test_everything_left_to_torch_is_allowed_by_torch() -> None:
    from torch import _weights_only_unpickler as unpickler

    allowed = unpickler._get_allowed_globals()
    names = [name for name in allowed if is_of_tensors(name)]
    assert "torch._utils._rebuild_tensor_v2" in names
    assert "builtins.bytearray" not in names


@pytest.mark.parametrize(
    "name",
    [
        "os.system",
        "builtins.eval",
        "torch.load",
        "torch.Storage",
        "torch.hub.load",
        "torch.xTensor",
    ],
)
def test_everything_that_torch_refuses_is_refused(name: str) -> None:
    from torch import _weights_only_unpickler as unpickler

    assert name not in unpickler._get_allowed_globals()
    assert not may_be_called(name)
    assert not may_be_named(name)
