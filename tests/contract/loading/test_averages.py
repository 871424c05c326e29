"""Files of trainings draw with the averages, whatever the trainer did to the names."""

import io
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from adapters.filesystem.model_source import FilesystemModelSource
from domain.generation.request import GenerationRequest
from domain.services.generate_images import GenerateImages
from domain.services.model_registry import ModelRegistry
from tests.contract.conftest import DEMO_MODEL
from tests.contract.drawing.generating import MODELS, generate, new_generator
from tests.fakes.picture_codec import FakePictureCodec

pytestmark = pytest.mark.torch

UNET = "model.diffusion_model."


def pixels(picture: bytes) -> bytes:
    return Image.open(io.BytesIO(picture)).tobytes()


def dotless(weights: dict[str, Any]) -> dict[str, Any]:
    return {
        "model_ema." + name.removeprefix("model.").replace(".", ""): tensor.clone()
        for name, tensor in weights.items()
    }


def twice(good: dict[str, Any], unet: dict[str, Any], zeros: dict[str, Any]) -> dict[str, Any]:
    return good | zeros | dotless(unet)


def one_missing(
    good: dict[str, Any], unet: dict[str, Any], _zeros: dict[str, Any]
) -> dict[str, Any]:
    averages = {name: tensor + 1 for name, tensor in dotless(unet).items()}
    averages.popitem()
    return good | averages


def alone(good: dict[str, Any], unet: dict[str, Any], _zeros: dict[str, Any]) -> dict[str, Any]:
    return {name: each for name, each in good.items() if name not in unet} | dotless(unet)


def of_attentions(
    good: dict[str, Any], unet: dict[str, Any], zeros: dict[str, Any]
) -> dict[str, Any]:
    trained = {name: each for name, each in unet.items() if ".transformer_blocks." in name}
    return good | {name: zeros[name] for name in trained} | dotless(trained)


def wrapped(good: dict[str, Any], _unet: dict[str, Any], _zeros: dict[str, Any]) -> dict[str, Any]:
    return {f"module.{name}": each for name, each in good.items()}


def beside(good: dict[str, Any], unet: dict[str, Any], zeros: dict[str, Any]) -> dict[str, Any]:
    weights = {f"online_model.{name}": each for name, each in (good | zeros).items()}
    return weights | {f"ema_model.{name}": each.clone() for name, each in unet.items()}


def with_a_stray(
    good: dict[str, Any], _unet: dict[str, Any], _zeros: dict[str, Any]
) -> dict[str, Any]:
    import torch

    return good | {"lora_te_text_model_encoder_layers_0_mlp_fc1.alpha": torch.tensor(4.0)}


DRAWN = {
    twice: "the averages draw the picture",
    one_missing: "the averages are left out",
    alone: "they draw the picture",
    beside: "in its table 'ema_model'",
}


def saved(folder: Path, made: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    """Write a file of the demo checkpoint's tensors, and return those of the demo."""
    import torch
    from safetensors import safe_open
    from safetensors.torch import load_file, save_file

    with safe_open(DEMO_MODEL.path, framework="pt") as file:
        metadata = file.metadata()
    good = load_file(DEMO_MODEL.path)
    unet = {name: tensor for name, tensor in good.items() if name.startswith(UNET)}
    zeros = {name: torch.zeros_like(tensor) for name, tensor in unet.items()}
    tensors = made(good, unet, zeros) | {"model_ema.decay": torch.tensor(0.9999)}
    save_file(tensors, folder / "a.safetensors", metadata=metadata)
    return good


def listed(folder: Path) -> ModelRegistry:
    registry = ModelRegistry(FilesystemModelSource([str(folder)], settle_seconds=0))
    registry.refresh()
    return registry


@pytest.fixture(scope="module")
def generator() -> Any:
    return new_generator(device="cpu", dtype="float32")


def request(model_id: str) -> GenerationRequest:
    return GenerationRequest(
        id="r1",
        model_id=model_id,
        prompt="a red circle",
        num_inference_steps=1,
        width=256,
        height=256,
        seed=7,
    )


@pytest.fixture(scope="module")
def plain(generator: Any) -> bytes:
    return pixels(generate(generator, DEMO_MODEL, [request(DEMO_MODEL.id)]).images[0][0].data)


@pytest.mark.parametrize("made", [of_attentions, wrapped, with_a_stray])
def test_a_trained_file_gives_the_tensors_of_the_plain_one(
    tmp_path: Path, made: Callable[..., dict[str, Any]]
) -> None:
    import torch

    from adapters.diffusion.loading.weights import read_weights

    good = saved(tmp_path, made)
    with closing(listed(tmp_path)) as registry:
        (model,) = registry.models()
    assert model.reason is None
    assert ("LoRA" in str(model.note)) is (made is with_a_stray)
    found = read_weights(model)
    assert all(torch.equal(found[name], tensor) for name, tensor in good.items())


@pytest.mark.parametrize(("made", "said"), DRAWN.items())
def test_a_trained_file_draws_as_the_plain_one_and_says_how(
    tmp_path: Path,
    generator: Any,
    plain: bytes,
    made: Callable[..., dict[str, Any]],
    said: str,
) -> None:
    saved(tmp_path, made)
    with closing(listed(tmp_path)) as registry:
        (model,) = registry.models()
        MODELS.put(model)
        use_case = GenerateImages(registry, generator, FakePictureCodec())
        result = use_case(request(model.id))
    assert pixels(result.images[0].data) == plain
    assert [said in warning for warning in result.warnings if "holds" in warning] == [True]
