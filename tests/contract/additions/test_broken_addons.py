"""A broken add-on is rejected with its reason, and its checkpoint goes on drawing."""

import math
import shutil
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.diffusion.image_generator import DiffusersImageGenerator
from adapters.filesystem.model_headers import FilesystemModelHeaders
from adapters.filesystem.model_source import FilesystemModelSource
from adapters.pictures.codec import PillowPictureCodec
from domain.errors import AddonMismatch, GenerationFailed, ModelChanged, ModelNotLoadable
from domain.generation.parts import Lora
from domain.generation.request import GenerationRequest
from domain.models.record import ModelKind
from domain.services.generate_images import GenerateImages
from domain.services.model_registry import ModelRegistry
from tests.fakes.addon_tensors import addon_tensors
from tests.paths import DEMO_CHECKPOINT
from tests.unit.filesystem.model_files import safetensors_file

pytestmark = pytest.mark.torch

SHAPES = {name: facts.shape for name, facts in addon_tensors(ModelKind.LORA).items()}


class Service:
    """A real registry over a folder, and a real engine."""

    def __init__(self, folder: Path) -> None:
        shutil.copy(DEMO_CHECKPOINT, folder / "demo.safetensors")
        (folder / "loras").mkdir()
        self.lora = folder / "loras" / "demo.safetensors"  # the name of the checkpoint
        self.registry = ModelRegistry(FilesystemModelSource([str(folder)], settle_seconds=0))
        generator = DiffusersImageGenerator(
            self.registry, PillowPictureCodec(), device="cpu", dtype="float32"
        )
        self.draw = GenerateImages(
            self.registry,
            generator,
            PillowPictureCodec(),
            headers=FilesystemModelHeaders(),
            embed_metadata=False,  # it names the LoRA
        )

    def put(self, content: bytes) -> str:
        """Write the LoRA, and return its id."""
        self.lora.write_bytes(content)
        self.registry.refresh()
        return self.registry.resolve("demo", kind=ModelKind.LORA).id

    def request(self, *loras: str) -> GenerationRequest:
        return GenerationRequest(
            id="r",
            model_id=self.registry.resolve("demo").id,
            prompt="a red circle",
            seed=1,
            num_inference_steps=1,
            width=256,
            height=256,
            loras=tuple(Lora(model_id=each) for each in loras),
        )


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    made = Service(tmp_path)
    made.registry.refresh()
    yield made
    made.registry.close()


def with_nan(content: bytes) -> bytes:
    """Return the file with NaN as its last number."""
    return content[:-2] + struct.pack("<e", math.nan)


def test_a_lora_with_nan_is_rejected_and_its_checkpoint_is_not(service: Service) -> None:
    broken = service.put(with_nan(safetensors_file(SHAPES)))
    plain = service.draw(service.request()).images[0].data
    with pytest.raises(ModelNotLoadable, match="NaN") as caught:
        service.draw(service.request(broken))
    assert caught.value.model_id == broken
    record = service.registry.get(broken)
    assert not record.usable
    assert "NaN" in (record.reason or "")
    with pytest.raises(AddonMismatch, match=r"which cannot be used: .*NaN"):
        service.draw.admit(service.request(broken))
    assert service.draw(service.request()).images[0].data == plain
    assert service.registry.get(service.request().model_id).loadable
    whole = service.put(safetensors_file(SHAPES))
    assert whole != broken
    assert service.draw(service.request(whole)).images[0].data == plain, "its numbers are 0"


def test_a_lora_whose_numbers_overflow_is_told_and_its_neighbours_are_not(service: Service) -> None:
    from safetensors.torch import load_file, save

    tensors = {
        name: value.float() * (1e30 if value.ndim else 1)  # alpha has no dimension
        for name, value in load_file(
            DEMO_CHECKPOINT.with_name("demo-blueprint.safetensors")
        ).items()
    }
    huge = service.put(save(tensors))
    plain = service.draw(service.request()).images[0].data
    with pytest.raises(GenerationFailed, match=r"NaN in .* with the LoRAs of the request; lower"):
        service.draw(service.request(huge))
    assert service.registry.get(huge).usable, "at a lower scale it may draw"
    assert service.draw(service.request()).images[0].data == plain


def test_a_lora_that_is_cut_off_before_it_is_loaded_has_changed(service: Service) -> None:
    content = safetensors_file(SHAPES)
    style = service.put(content)
    asked = service.draw.admit(service.request(style))
    service.lora.write_bytes(content[:-10])
    with pytest.raises(ModelChanged) as caught:
        service.draw(asked)
    assert caught.value.model_id == style
    assert [each.kind for each in service.registry.models()] == [ModelKind.CHECKPOINT]
    assert service.draw(service.request()).images
