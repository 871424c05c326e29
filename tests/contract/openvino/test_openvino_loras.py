"""LoRAs with OpenVINO: torch draws where the UNet changes, and the caller is told."""

from pathlib import Path

import numpy as np
import pytest

from adapters.diffusion.image_generator import DiffusersImageGenerator
from domain.checkpoints.additions.network_modules import Network
from domain.generation.parts import Lora
from domain.models.record import ModelRecord
from tests.contract.additions.lora.files import low_rank, written
from tests.contract.additions.lora.tiny import changeable
from tests.contract.conftest import DEMO_MODEL
from tests.contract.drawing.drawing import demo_request, pixels
from tests.contract.drawing.generating import MODELS, Generated, generate, new_generator
from tests.contract.from_pictures.test_equal_to_diffusers import pipeline_of

pytestmark = pytest.mark.torch


@pytest.fixture(scope="module")
def with_openvino() -> DiffusersImageGenerator:
    return new_generator(device="cpu", dtype="float32", backend="openvino")


def _record(
    generator: DiffusersImageGenerator, path: Path, network: Network, size: float
) -> ModelRecord:
    modules = [each for each in changeable(pipeline_of(generator)) if each.network is network]
    record = written(path, low_rank(modules, size=size))
    MODELS.put(record, record.id)
    return record


def _drawn(generator: DiffusersImageGenerator, *records: ModelRecord) -> Generated:
    loras = tuple(Lora(model_id=each.id) for each in records)
    small = demo_request(num_inference_steps=2, loras=loras)
    return generate(generator, DEMO_MODEL, [small])


def test_torch_draws_where_a_lora_changes_the_unet(
    float32_generator: DiffusersImageGenerator,
    with_openvino: DiffusersImageGenerator,
    tmp_path: Path,
) -> None:
    record = _record(float32_generator, tmp_path / "unet.safetensors", Network.UNET, 0.1)
    before = _drawn(with_openvino)

    found, expected = _drawn(with_openvino, record), _drawn(float32_generator, record)

    assert found.images[0][0].data == expected.images[0][0].data
    assert found.images[0][0].data != before.images[0][0].data
    assert len(found.warnings[0]) == 1
    assert "OpenVINO" in found.warnings[0][0]
    after = _drawn(with_openvino)
    assert after.warnings == ((),)
    assert after.images[0][0].data == before.images[0][0].data
    loaded = [each.id for each in with_openvino.report.loaded_models]
    assert sorted(loaded) == sorted({DEMO_MODEL.id, record.id})


def test_openvino_draws_where_a_lora_changes_the_text_encoder_alone(
    float32_generator: DiffusersImageGenerator, tmp_path: Path
) -> None:
    # A generator of its own, which has not loaded the checkpoint for torch.
    generator = new_generator(device="cpu", dtype="float32", backend="openvino")
    record = _record(float32_generator, tmp_path / "text.safetensors", Network.TEXT_ENCODER, 0.3)

    found, expected = _drawn(generator, record), _drawn(float32_generator, record)

    assert found.warnings == ((),)
    difference = np.abs(pixels(found.images[0][0].data) - pixels(expected.images[0][0].data))
    assert difference.mean() < 0.05
    plain = _drawn(generator)
    assert plain.images[0][0].data != found.images[0][0].data
