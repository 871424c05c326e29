"""The result of a load: each weight of the file in the device's precision and layout."""

import dataclasses
import gc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import safetensors
import safetensors.torch

from domain.models.record import FileStamp, ModelRecord
from tests.contract.conftest import DEMO_MODEL
from tests.contract.drawing.generating import new_generator

pytestmark = pytest.mark.torch

torch = pytest.importorskip("torch")


@pytest.fixture
def unfrozen() -> Iterator[None]:
    gc.unfreeze()
    yield
    gc.unfreeze()


@pytest.fixture
def mixed(tmp_path: Path) -> ModelRecord:
    """The demo with every other tensor in float32, with noise that float16 cannot represent."""
    with safetensors.safe_open(DEMO_MODEL.path, framework="pt") as file:
        metadata = file.metadata()
        weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    for name in sorted(weights)[::2]:
        weights[name] = weights[name].float() * (1 + 2**-20)
    path = tmp_path / "mixed.safetensors"
    safetensors.torch.save_file(weights, path, metadata)
    return dataclasses.replace(DEMO_MODEL, path=str(path), stamp=FileStamp.of(path.stat()))


@pytest.mark.parametrize("precision", ["float32", "float16", "bfloat16"])
def test_weights_of_any_precision_get_that_of_the_device(
    mixed: ModelRecord, precision: str
) -> None:
    from adapters.diffusion.devices.device import find_device
    from adapters.diffusion.loading.loader import load_pipeline

    device = find_device("cpu", precision)
    pipeline = load_pipeline(mixed, device)
    weights = safetensors.torch.load_file(mixed.path)
    for part in (pipeline.unet, pipeline.vae, pipeline.text_encoder):
        assert {each.dtype for each in part.parameters()} == {device.dtype}
    kernel = pipeline.unet.conv_in.weight
    assert kernel.is_contiguous(memory_format=torch.channels_last)
    in_file = weights["model.diffusion_model.input_blocks.0.0.weight"]
    assert torch.equal(kernel, in_file.to(device.dtype))


def test_the_first_preparation_freezes_the_libraries_for_the_garbage_collector(
    unfrozen: None,
) -> None:
    new_generator(device="cpu").prepare()
    frozen = gc.get_freeze_count()
    assert frozen > 0
    loaded_since = [[]]  # type: ignore[var-annotated]
    new_generator(device="cpu").prepare()
    assert gc.get_freeze_count() <= frozen
    assert any(each is loaded_since for each in gc.get_objects())


@pytest.mark.parametrize("error", [MemoryError(), SystemExit(1), ValueError("a wrong shape")])
def test_a_failed_load_releases_what_it_had_read(
    monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    import weakref

    from adapters.diffusion.devices.device import find_device
    from adapters.diffusion.loading import loader
    from adapters.diffusion.loading.single import single_file
    from domain.errors import DomainError

    held: list[weakref.ref[object]] = []

    def fail(pipeline: object, *_anything: object, **_options: object) -> None:
        held.append(weakref.ref(pipeline.unet))  # type: ignore[attr-defined]
        raise error

    monkeypatch.setattr(single_file, "place", fail)
    with (
        ThreadPoolExecutor(1) as thread,
        pytest.raises(DomainError) as caught,
    ):  # as in the service: the end of the process is raised only in its main thread
        thread.submit(loader.load_pipeline, DEMO_MODEL, find_device("cpu", "float32")).result()
    assert caught.value.__cause__ is not None
    assert held[0]() is None, "the error is stored with its job, and would keep the weights alive"
