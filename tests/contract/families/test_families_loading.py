"""Checkpoints in the published layout are loaded completely into diffusers' networks, offline.

The tensors have their real shapes and take no memory: each is one number, repeated with a stride of
0, which identifies it in the loaded model.
"""

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from adapters.diffusion.families import (
    configuration_files,
    with_modern_names,
)
from domain.checkpoints.layouts import checkpoint_parts
from domain.models.record import ModelFamily

pytestmark = pytest.mark.torch

LOADABLE = (
    ModelFamily.SD_1,
    ModelFamily.SD_1_INPAINT,
    ModelFamily.SD_1_PIX2PIX,
    ModelFamily.SD_2,
    ModelFamily.SD_2_V,
    ModelFamily.SD_2_INPAINT,
    ModelFamily.SDXL,
    ModelFamily.SDXL_INPAINT,
    ModelFamily.SDXL_PIX2PIX,
)
# Parts of the layout, and their networks.
NETWORKS = {
    "UNet": ("diffusers", "UNet2DConditionModel", "unet"),
    "VAE": ("diffusers", "AutoencoderKL", "vae"),
    "text encoder": ("transformers", "CLIPTextModel", "text_encoder"),
    "second text encoder": ("transformers", "CLIPTextModelWithProjection", "text_encoder_2"),
}


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a model must load without a network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture(autouse=True)
def _strides_of_zero_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """diffusers makes each tensor contiguous, which would write out gigabytes of equal numbers."""
    import torch

    monkeypatch.setattr(torch.Tensor, "contiguous", lambda tensor, **_: tensor)


@pytest.fixture
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    for name, text in configuration_files(request.param).items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


def loaded(part: str, weights: dict[str, Any], folder: Path) -> Any:
    import diffusers
    import torch
    import transformers
    from diffusers.loaders.single_file_utils import create_diffusers_clip_model_from_ldm

    library, name, subfolder = NETWORKS[part]
    options = {"config": str(folder), "subfolder": subfolder, "torch_dtype": torch.float16}
    if library == "diffusers":
        network = getattr(diffusers, name)
        return network.from_single_file(weights, local_files_only=True, **options)
    network = getattr(transformers, name)
    return create_diffusers_clip_model_from_ldm(network, weights, local_files_only=True, **options)


def checkpoint(family: ModelFamily) -> tuple[dict[str, Any], dict[str, set[float]]]:
    """Return the tensors of a whole checkpoint, and the numbers of each part."""
    import torch

    weights: dict[str, Any] = {}
    numbers: dict[str, set[float]] = {}
    for part, needed in checkpoint_parts(family).items():
        numbers[part] = set()
        for index, (name, shape) in enumerate(needed.items(), start=1):
            number = torch.tensor(index, dtype=torch.float16)
            weights[name] = number.expand(shape) if shape else number
            numbers[part].add(float(number))
    return weights, numbers


def number_of(parameter: Any) -> float:
    """Return the number of a parameter; a copied parameter is checked at some positions."""
    values = parameter.detach()
    number = float(values[(0,) * values.ndim])
    if any(values.stride()):
        assert bool((values.flatten()[:: max(1, values.numel() // 999)] == number).all())
    return number


@pytest.mark.parametrize(
    ("family", "folder"),
    [
        (family, family) for family in LOADABLE if family is not ModelFamily.SD_2
    ],  # the same as SD_2_V
    indirect=["folder"],
)
def test_every_tensor_reaches_its_network(family: ModelFamily, folder: Path) -> None:
    weights, numbers = checkpoint(family)
    for part, expected in numbers.items():
        found = set()
        for name, parameter in loaded(part, weights, folder).named_parameters():
            assert not parameter.is_meta, name
            found.add(number_of(parameter))
        assert found == expected, part


@pytest.mark.parametrize("folder", [ModelFamily.SD_1], indirect=True)
def test_a_text_encoder_with_old_tensor_names_is_loaded_too(folder: Path) -> None:
    weights, numbers = checkpoint(ModelFamily.SD_1)
    old = {name.replace("text_model.", ""): tensor for name, tensor in weights.items()}
    assert old.keys() != weights.keys()
    assert with_modern_names(old).keys() == weights.keys()
    network = loaded("text encoder", with_modern_names(old), folder)
    found = {number_of(parameter) for parameter in network.parameters()}
    assert found == numbers["text encoder"]


def test_modern_names_are_not_changed() -> None:
    for family in LOADABLE:
        names = {name: name for part in checkpoint_parts(family).values() for name in part}
        assert with_modern_names(names) == names


def test_the_parts_of_a_pipeline_are_complete() -> None:
    for family in LOADABLE:
        index = json.loads(configuration_files(family)["model_index.json"])
        parts = {NETWORKS[part] for part in checkpoint_parts(family)}
        for library, name, component in parts:
            assert index[component] == [library, name]
