"""The operator's settings say what a network predicts, as a `.yaml` beside its file does."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from adapters.diffusion.image_generator import DiffusersImageGenerator
from adapters.filesystem.model_source import FilesystemModelSource
from adapters.pictures.codec import PillowPictureCodec
from domain.generation.request import GenerationRequest
from domain.models.training import Prediction
from domain.services.generate_images import GenerateImages
from domain.services.model_registry import ModelRegistry
from tests.fakes.model_settings import FakeModelSettings
from tests.paths import DEMO_CHECKPOINT

pytestmark = pytest.mark.torch

VELOCITY = {"prediction_type": "v_prediction"}


def test_the_pictures_are_those_of_a_yaml_beside_the_file(
    tmp_path: Path, request_for: Callable[..., GenerationRequest]
) -> None:
    file = tmp_path / "a.safetensors"
    file.write_bytes(DEMO_CHECKPOINT.read_bytes())
    settings = FakeModelSettings()
    source = FilesystemModelSource([str(tmp_path)], settle_seconds=0)
    registry = ModelRegistry(source, settings=settings)
    codec = PillowPictureCodec()
    generator = DiffusersImageGenerator(registry, codec, device="cpu", dtype="float32")
    draw = GenerateImages(registry, generator, codec)

    def pixels(document: dict[str, Any], yaml: str = "") -> bytes:
        settings.document = document
        beside = file.with_suffix(".yaml")
        beside.write_text(yaml) if yaml else beside.unlink(missing_ok=True)
        registry.refresh()
        (model,) = registry.models()
        assert model.prediction_type == (
            Prediction.VELOCITY if yaml or document else Prediction.EPSILON
        )
        small = {"width": 256, "height": 256, "num_inference_steps": 2}
        result = draw(request_for(model_id=model.id, **small))
        # The configuration in the demo says something else than the settings and the `.yaml`.
        assert bool(result.warnings) == bool(document or yaml)
        return Image.open(io.BytesIO(result.images[0].data)).tobytes()

    plain = pixels({})
    by_settings = pixels({"a": VELOCITY})
    assert by_settings != plain
    assert by_settings == pixels({}, "model:\n  params:\n    parameterization: v\n")
    assert pixels({}) == plain, "the settings are gone, and the model is loaded again"
    registry.close()
