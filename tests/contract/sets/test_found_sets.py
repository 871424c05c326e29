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
from domain.models.record import ModelFamily, ModelKind, ModelRecord
from domain.services.generate_images import GenerateImages
from domain.services.model_registry import ModelRegistry
from tests.contract.sets import tiny, tiny_language

pytestmark = pytest.mark.torch

RequestFor = Callable[..., GenerationRequest]


def listed(folder: Path) -> ModelRegistry:
    registry = ModelRegistry(FilesystemModelSource([str(folder)], settle_seconds=0))
    registry.refresh()
    return registry


def written(name: str, folder: Path) -> ModelRecord:
    """Write the parts of a tiny pipeline; return the record that the loader is tested with."""
    folder.mkdir()
    if name in tiny.FAMILIES:
        return tiny.record_of(name, tiny.write_parts(tiny.pipeline_of(name), folder))
    pipeline = tiny_language.pipeline_of(name)
    return tiny_language.record_of(name, tiny_language.write_parts(name, pipeline, folder))


ONE_OF_EACH = {
    family: name for name, (family, *_) in {**tiny.FAMILIES, **tiny_language.FAMILIES}.items()
}


@pytest.mark.parametrize("name", ONE_OF_EACH.values())
def test_that_the_files_of_a_pipeline_are_found(name: str, tmp_path: Path) -> None:
    expected = written(name, tmp_path / "models")
    (found,) = listed(tmp_path / "models").models(ModelKind.CHECKPOINT)
    assert (found.id, found.family, found.name) == (expected.id, expected.family, expected.name)
    assert {each.role: each.id for each in found.members} == {
        each.role: each.id for each in expected.members
    }
    assert found.loadable


def test_that_every_family_that_is_found_can_be_loaded() -> None:
    families = {ModelFamily.FLUX, ModelFamily.FLUX_2, ModelFamily.CHROMA, ModelFamily.SD_3}
    families |= {ModelFamily.Z_IMAGE, ModelFamily.LUMINA_2, ModelFamily.QWEN_IMAGE}
    assert READERS.keys() == ONE_OF_EACH.keys() == families | {ModelFamily.SANA}


def test_that_a_set_is_drawn_and_a_changed_file_of_it_is_noticed(
    tmp_path: Path, request_for: RequestFor
) -> None:
    written("flux-schnell", tmp_path / "models")
    registry = listed(tmp_path / "models")
    model = registry.resolve("transformer")
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


def test_that_a_file_with_all_parts_is_found_and_drawn(
    tmp_path: Path, request_for: RequestFor
) -> None:
    (tmp_path / "models").mkdir()
    tiny.all_in_one(tiny.pipeline_of("flux-schnell"), tmp_path / "models" / "whole.safetensors")
    registry = listed(tmp_path / "models")
    (model,) = registry.models()
    assert {each.id for each in model.members} == {model.id}
    codec = PillowPictureCodec()
    draw = GenerateImages(registry, DiffusersImageGenerator(registry, codec, device="cpu"), codec)
    assert draw(request_for(model_id=model.id, scheduler=None, num_inference_steps=1)).images
