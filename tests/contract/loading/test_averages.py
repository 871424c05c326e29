"""A checkpoint that contains its UNet twice draws with the averages."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from adapters.diffusion.image_generator import DiffusersImageGenerator
from adapters.filesystem.model_source import FilesystemModelSource
from domain.generation.request import GenerationRequest
from domain.services.generate_images import GenerateImages
from domain.services.model_registry import ModelRegistry
from tests.contract.conftest import DEMO_MODEL

pytestmark = pytest.mark.torch

UNET = "model.diffusion_model."


def pixels(picture: bytes) -> bytes:
    return Image.open(io.BytesIO(picture)).tobytes()


@pytest.mark.parametrize("is_whole", [True, False], ids=["whole", "one is missing"])
def test_the_averages_draw_if_there_is_one_for_each_weight(
    tmp_path: Path,
    request_for: Callable[..., GenerationRequest],
    is_whole: bool,
) -> None:
    import torch
    from safetensors import safe_open
    from safetensors.torch import load_file, save_file

    with safe_open(DEMO_MODEL.path, framework="pt") as file:
        metadata = file.metadata()
    good = load_file(DEMO_MODEL.path)
    averages = {
        "model_ema." + name.removeprefix("model.").replace(".", ""): tensor.clone()
        for name, tensor in good.items()
        if name.startswith(UNET)
    }
    if not is_whole:
        averages.popitem()
    raw = {name: torch.zeros_like(tensor) for name, tensor in good.items() if UNET in name}
    tensors = good | raw | averages | {"model_ema.decay": torch.tensor(0.9999)}
    save_file(tensors, tmp_path / "a.safetensors", metadata=metadata)

    registry = ModelRegistry(FilesystemModelSource([str(tmp_path)], settle_seconds=0))
    registry.refresh()
    (model,) = registry.models()
    generator = DiffusersImageGenerator(device="cpu", dtype="float32")
    result = GenerateImages(registry, generator)(request_for(model_id=model.id))
    registry.close()
    plain = generator.generate(DEMO_MODEL, [request_for()]).images[0][0].data
    assert (pixels(result.images[0].data) == pixels(plain)) is is_whole
    said = "the averages draw the picture" if is_whole else "the averages are left out"
    assert [said in warning for warning in result.warnings if "EMA" in warning] == [True]
