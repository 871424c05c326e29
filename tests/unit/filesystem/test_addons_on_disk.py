"""LoRAs in a model folder: they come, go and change while the service runs."""

import os
import shutil
from pathlib import Path

import pytest

from adapters.filesystem.model_headers import FilesystemModelHeaders
from adapters.filesystem.model_source import FilesystemModelSource
from domain.errors import AddonMismatch, ModelNotFound
from domain.generation.parts import Lora
from domain.generation.request import GenerationRequest
from domain.models.record import ModelFamily, ModelKind, ModelRecord
from domain.services.generate_images import GenerateImages
from domain.services.model_registry import ModelRegistry
from tests.fakes.addon_tensors import addon_tensors
from tests.fakes.image_generator import FakeImageGenerator
from tests.fakes.picture_codec import FakePictureCodec
from tests.paths import DEMO_CHECKPOINT
from tests.unit.classification.addon_headers import lora
from tests.unit.filesystem.model_files import safetensors_file

FITTING = {name: facts.shape for name, facts in addon_tensors(ModelKind.LORA).items()}
OF_SD_1 = {name: facts.shape for name, facts in lora("kohya", ModelFamily.SD_1).items()}


class Folder:
    """A model folder with the demo checkpoint, and what looks at it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.source = FilesystemModelSource([str(path)], settle_seconds=0)
        self.registry = ModelRegistry(self.source)
        self.use_case = GenerateImages(
            self.registry,
            FakeImageGenerator(),
            FakePictureCodec(),
            headers=FilesystemModelHeaders(),
        )

    def put(self, shapes: dict[str, tuple[int, ...]], metadata: dict[str, str]) -> ModelRecord:
        """Write a LoRA, as a program does that replaces a file, and list it."""
        incoming = self.path / "style.incoming"
        incoming.write_bytes(safetensors_file(shapes, metadata))
        incoming.rename(self.path / "style.safetensors")
        self.registry.refresh()
        return self.registry.resolve("style", kind=ModelKind.LORA)

    def admit(self, model: ModelRecord) -> GenerationRequest:
        return self.use_case.admit(self.request(model))

    def request(self, model: ModelRecord) -> GenerationRequest:
        return GenerationRequest(
            id="r",
            model_id=self.registry.resolve("demo").id,
            prompt="x",
            loras=(Lora(model_id=model.id),),
        )


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    shutil.copy(DEMO_CHECKPOINT, tmp_path / "demo.safetensors")
    made = Folder(tmp_path)
    made.registry.refresh()
    return made


def test_a_lora_that_is_put_there_can_be_used(folder: Folder) -> None:
    style = folder.put(FITTING, {"modelspec.trigger_phrase": "ink"})
    assert (style.kind, style.usable, style.base) == (ModelKind.LORA, True, None)
    assert (style.rank, style.trigger_words) == (4, ("ink",))
    assert folder.use_case(folder.admit(style)).images


def test_a_lora_of_other_shapes_is_refused(folder: Folder) -> None:
    style = folder.put(OF_SD_1, {})
    with pytest.raises(AddonMismatch, match=r"does not fit demo\.safetensors"):
        folder.admit(style)


def test_a_lora_that_is_removed_is_unknown(folder: Folder) -> None:
    style = folder.put(FITTING, {})
    asked = folder.admit(style)
    os.unlink(style.path)
    folder.registry.refresh()
    for attempt in (lambda: folder.use_case.admit(asked), lambda: folder.use_case(asked)):
        with pytest.raises(ModelNotFound) as caught:
            attempt()
        assert caught.value.field == "loras[0].model_id"


def test_a_lora_with_other_bytes_is_another_one(folder: Folder) -> None:
    first = folder.put(FITTING, {})
    folder.admit(first)
    second = folder.put(OF_SD_1, {"x": "another"})
    assert second.id != first.id
    with pytest.raises(ModelNotFound):
        folder.admit(first)
    with pytest.raises(AddonMismatch):
        folder.admit(second)
    third = folder.put(FITTING, {"x": "a third"})
    assert folder.admit(third)
