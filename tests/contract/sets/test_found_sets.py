"""The registry finds the files of each family that the loader draws with."""

from collections.abc import Callable
from pathlib import Path

import pytest

from adapters.diffusion.image_generator import DiffusersImageGenerator
from adapters.diffusion.loading.sets.reading import READERS
from adapters.filesystem.model_source import FilesystemModelSource
from adapters.pictures.codec import PillowPictureCodec
from domain.errors import ModelChanged, ModelNotFound
from domain.generation.request import GenerationRequest
from domain.models.record import ModelFamily, ModelKind
from domain.services.generate_images import GenerateImages
from domain.services.model_registry import ModelRegistry
from tests.contract.sets import tiny, tiny_language

pytestmark = pytest.mark.torch

RequestFor = Callable[..., GenerationRequest]


def listed(folder: Path) -> ModelRegistry:
    registry = ModelRegistry(FilesystemModelSource([str(folder)], settle_seconds=0))
    registry.refresh()
    return registry


@pytest.mark.parametrize("name", tiny_language.FAMILIES)
def test_that_the_files_of_a_pipeline_are_found(name: str, tmp_path: Path) -> None:
    """`test_drawing.py` finds and draws those of the other families."""
    folder = tmp_path / "models"
    folder.mkdir()
    pipeline = tiny_language.pipeline_of(name)
    parts = tiny_language.write_parts(name, pipeline, folder)
    expected = tiny_language.record_of(name, parts)
    (found,) = listed(folder).models(ModelKind.CHECKPOINT)
    assert (found.id, found.family, found.name) == (expected.id, expected.family, expected.name)
    assert {each.role: each.id for each in found.members} == {
        each.role: each.id for each in expected.members
    }
    assert found.loadable


def test_that_every_family_that_is_found_can_be_loaded() -> None:
    families = {ModelFamily.FLUX, ModelFamily.FLUX_2, ModelFamily.CHROMA, ModelFamily.SD_3}
    families |= {ModelFamily.Z_IMAGE, ModelFamily.LUMINA_2, ModelFamily.QWEN_IMAGE}
    assert READERS.keys() == families | {ModelFamily.SANA}


def test_that_a_set_is_drawn_and_a_changed_file_of_it_is_noticed(
    tmp_path: Path, request_for: RequestFor
) -> None:
    (tmp_path / "models").mkdir()
    tiny.write_parts(tiny.pipeline_of("flux-schnell"), tmp_path / "models")
    registry = listed(tmp_path / "models")
    model = registry.resolve(None)
    codec = PillowPictureCodec()
    draw = GenerateImages(registry, DiffusersImageGenerator(registry, codec, device="cpu"), codec)
    wanted = request_for(model_id=model.id, scheduler=None, num_inference_steps=1)
    assert draw(wanted).images
    encoder = next(each for each in model.members if each.role == "text_encoder")
    with open(encoder.path, "ab") as file:
        file.write(b"x")
    fresh = DiffusersImageGenerator(registry, codec, device="cpu")
    with pytest.raises(ModelChanged):
        GenerateImages(registry, fresh, codec)(wanted)
    with pytest.raises(ModelNotFound):
        registry.get(model.id)
