"""A set is loaded as a folder of the same weights is, tensor by tensor."""

from pathlib import Path
from typing import Any

import pytest

from adapters.diffusion.devices.guarded_watcher import GuardedWatcher
from domain.errors import ModelChanged
from domain.services.drawing_watchers import CallbackWatcher
from tests.contract.folders.folders import record_of as record_of_folder
from tests.contract.sets.tiny import listed, pipeline_of, write_parts

pytestmark = pytest.mark.torch


@pytest.mark.parametrize(
    ("name", "dtype"),
    [("flux-dev", "bfloat16"), ("chroma", "bfloat16"), ("sd3.5-medium", "float16")],
)
def test_each_tensor_has_the_numbers_and_the_precision_of_a_folder(
    tmp_path: Path, name: str, dtype: str
) -> None:
    import torch

    from adapters.diffusion.devices.device import find_device
    from adapters.diffusion.loading.loader import load_pipeline

    pipeline = pipeline_of(name)
    pipeline.save_pretrained(tmp_path / "folder")
    device = find_device("cpu", dtype)
    expected = load_pipeline(record_of_folder(tmp_path / "folder"), device)
    write_parts(pipeline, tmp_path / "files")
    found = load_pipeline(listed(tmp_path / "files"), device)
    for role, part in expected.components.items():
        own = found.components[role]
        assert type(own) is type(part)
        if not isinstance(part, torch.nn.Module):
            continue
        assert not own.training
        # torch multiplies in another order if a weight needs no gradient (`should_fold`).
        assert all(each.requires_grad for each in own.parameters())
        tensors = _tensors(own)
        for key, each in _tensors(part).items():
            assert tensors[key].dtype == each.dtype, key
            assert torch.equal(tensors[key], each), key
    assert _options(found.scheduler) == _options(expected.scheduler)


def _options(scheduler: Any) -> dict[str, Any]:
    return {key: each for key, each in scheduler.config.items() if not key.startswith("_")}


def _tensors(network: Any) -> dict[str, Any]:
    """Return the parameters, and the buffers that no file has too."""
    return {**dict(network.named_parameters()), **dict(network.named_buffers())}


def test_a_file_of_a_set_that_was_replaced_is_not_loaded(tmp_path: Path) -> None:
    from adapters.diffusion.devices.device import find_device
    from adapters.diffusion.loading.loader import load_pipeline

    paths = write_parts(pipeline_of("flux-schnell"), tmp_path)
    record = listed(tmp_path)
    paths["vae"].write_bytes(paths["vae"].read_bytes())
    with pytest.raises(ModelChanged):
        load_pipeline(record, find_device("cpu", "float32"))


def test_loading_can_be_ended_between_two_tensors(tmp_path: Path) -> None:
    from adapters.diffusion.devices.device import find_device
    from adapters.diffusion.loading.loader import load_pipeline

    class Ended(Exception):
        pass

    ticks = 0

    def count(_is_loaded: bool) -> None:
        nonlocal ticks
        ticks += 1
        if ticks == 20:
            raise Ended

    write_parts(pipeline_of("flux-schnell"), tmp_path)
    record = listed(tmp_path)
    watcher = GuardedWatcher(CallbackWatcher(on_load=count))
    with pytest.raises(Ended):
        load_pipeline(record, find_device("cpu", "float32"), watcher)
    assert ticks == 20
