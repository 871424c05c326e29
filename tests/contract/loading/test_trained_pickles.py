"""Pickles with the objects of trainers are read to the same tensors as plain ones."""

from collections import OrderedDict, defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from domain.errors import ModelNotLoadable
from domain.models.record import ModelRecord
from tests.unit.classification.pickle_objects import CALLED, TRAINED, VALUES
from tests.unit.filesystem.model_files import tensor, zip_file

pytestmark = pytest.mark.torch


def read(path: Path) -> Mapping[str, Any]:
    from adapters.diffusion.loading.weights import read_weights

    size = path.stat().st_size
    return read_weights(ModelRecord("ab" * 32, path.name, size, str(path), path.suffix))


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
@pytest.mark.parametrize("suffix", [".ckpt", ".pt", ".pth", ".bin"])
def test_a_training_checkpoint_gives_its_tensors(tmp_path: Path, suffix: str, zipped: bool) -> None:
    import numpy as np
    import torch

    torch.manual_seed(0)
    table = {"a.weight": torch.randn(3, 2), "b": torch.randn(4).half(), "n": torch.tensor(3)}
    module = torch.nn.Linear(3, 2)
    optimizer = torch.optim.AdamW(module.parameters())
    module(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    parameters = {name: torch.nn.Parameter(each, False) for name, each in table.items()}
    whole = {
        "state_dict": OrderedDict(parameters),
        "optimizer_states": [optimizer.state_dict()],
        "optimizer": optimizer,
        "module": module,
        "loss": np.float64(0.5),
        "losses": np.arange(3.0),
        "random": np.random.RandomState(0).get_state(),
        "generator": np.random.default_rng(0),
        "defaults": defaultdict(dict),
        "kept": list(VALUES.values()),
        "device": torch.device("cpu"),
        "dtype": torch.float16,
    }
    path = tmp_path / f"a{suffix}"
    torch.save(whole, path, _use_new_zipfile_serialization=zipped)
    found = read(path)
    assert found.keys() == table.keys()
    assert all(torch.equal(found[name], each) for name, each in table.items())


def test_objects_of_packages_that_are_not_installed_are_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.ckpt"
    path.write_bytes(
        zip_file({"state_dict": {"w": tensor((2, 2))}, "kept": list(TRAINED.values())})
    )
    assert read(path).keys() == {"w"}


@pytest.mark.parametrize(("value", "shown"), CALLED.values(), ids=CALLED)
def test_a_call_is_refused_by_its_name(tmp_path: Path, value: object, shown: str) -> None:
    path = tmp_path / "a.ckpt"
    path.write_bytes(zip_file({"state_dict": {"w": tensor((2, 2))}, "kept": value}))
    with pytest.raises(ModelNotLoadable, match=shown) as caught:
        read(path)
    assert caught.value.lasting


def test_a_network_saved_as_a_whole_gives_its_tensors(tmp_path: Path) -> None:
    import torch

    network = torch.nn.Sequential(torch.nn.Conv2d(3, 2, 1), torch.nn.BatchNorm2d(2))
    torch.save(network, tmp_path / "a.pth")
    found = read(tmp_path / "a.pth")
    own = network.state_dict()
    assert found.keys() == own.keys()
    assert all(torch.equal(found[name], each) for name, each in own.items())
