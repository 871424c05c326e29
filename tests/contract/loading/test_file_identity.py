"""A pipeline is built from the bytes that the id names, and keeps them."""

import dataclasses
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from adapters.diffusion.image_generator import DiffusersImageGenerator
from adapters.filesystem.model_source import FilesystemModelSource
from domain.errors import ModelChanged, ModelNotFound
from domain.generation.request import GenerationRequest
from domain.models.record import FileStamp, ModelRecord
from domain.services.generate_images import GenerateImages
from domain.services.model_registry import ModelRegistry
from tests.contract.conftest import DEMO_MODEL
from tests.contract.drawing.generating import generate, new_generator
from tests.fakes.picture_codec import FakePictureCodec

pytestmark = pytest.mark.torch

RequestFor = Callable[..., GenerationRequest]


@pytest.fixture
def generator() -> DiffusersImageGenerator:
    # The file's own precision on the CPU: the case in which weights could stay mapped.
    return new_generator(device="cpu", dtype="float16")


@pytest.fixture
def model(tmp_path: Path) -> ModelRecord:
    path = tmp_path / "demo.safetensors"
    shutil.copy(DEMO_MODEL.path, path)
    return dataclasses.replace(DEMO_MODEL, path=str(path), stamp=FileStamp.of(path.stat()))


def test_a_file_with_its_stamp_can_draw(
    generator: DiffusersImageGenerator, model: ModelRecord, request_for: RequestFor
) -> None:
    assert generate(generator, model, [request_for()]).images


@pytest.mark.parametrize("change", ["written to", "replaced", "gone", "time set back"])
def test_another_file_is_refused(
    generator: DiffusersImageGenerator, model: ModelRecord, request_for: RequestFor, change: str
) -> None:
    path = Path(model.path)
    if change == "written to":
        with path.open("r+b") as file:
            file.write(b"x")
    elif change == "replaced":
        shutil.copy(path, path.with_name("other"))
        path.with_name("other").rename(path)
    elif change == "gone":
        path.unlink()
    else:
        status = path.stat()
        path.write_bytes(path.read_bytes()[::-1])
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    with pytest.raises(ModelChanged, match=r"demo\.safetensors has changed"):
        generate(generator, model, [request_for()])


def test_a_write_during_reading_is_detected(
    model: ModelRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    from adapters.diffusion.devices.device import find_device
    from adapters.diffusion.loading import loader
    from adapters.diffusion.loading.single import single_file

    real = single_file._assemble

    def assemble_while_written(*arguments):  # type: ignore[no-untyped-def]
        with open(model.path, "r+b") as file:
            file.seek(-1, os.SEEK_END)
            file.write(b"x")
        return real(*arguments)

    monkeypatch.setattr(single_file, "_assemble", assemble_while_written)
    with pytest.raises(ModelChanged):
        loader.load_pipeline(model, find_device("cpu", "float16"))


def test_a_write_after_the_load_does_not_reach_the_pipeline(
    generator: DiffusersImageGenerator, model: ModelRecord, request_for: RequestFor
) -> None:
    before = generate(generator, model, [request_for()]).images
    with open(model.path, "r+b") as file:
        file.write(os.urandom(Path(model.path).stat().st_size))
    assert generate(generator, model, [request_for()]).images == before


def test_the_registry_is_corrected(tmp_path: Path, request_for: RequestFor) -> None:
    path = tmp_path / "demo.safetensors"
    shutil.copy(DEMO_MODEL.path, path)
    registry = ModelRegistry(FilesystemModelSource([str(tmp_path)], settle_seconds=0))
    registry.refresh()
    (listed,) = registry.models()
    with path.open("ab") as file:
        file.write(b"more")
    codec = FakePictureCodec()
    draw = GenerateImages(registry, DiffusersImageGenerator(registry, codec, device="cpu"), codec)
    with pytest.raises(ModelChanged):
        draw(request_for(model_id=listed.id))
    with pytest.raises(ModelNotFound):
        registry.get(listed.id)
