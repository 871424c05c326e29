"""Models beside the checkpoint in fp8: the same numbers as in a plain file."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from adapters.diffusion.additions.embeddings.loading import load_textual_inversion
from adapters.diffusion.additions.lora.loading import load_lora
from adapters.diffusion.devices.device import Device, find_device
from adapters.diffusion.loading.companion_tensors import read_companion
from adapters.diffusion.upscaling.loading import load_upscaler
from domain.checkpoints.additions.autoencoder_layout import autoencoder_layout
from domain.checkpoints.additions.controlnet_layout import controlnet_layout
from domain.errors import ModelNotLoadable
from domain.models.record import ModelRecord
from tests.contract.loading.quantised.files import SCALED, Tensors, record
from tests.paths import (
    DEMO_CHECKPOINT,
    DEMO_CONTROLNET,
    DEMO_EMBEDDING,
    DEMO_LORA,
    DEMO_UPSCALER,
)

pytestmark = pytest.mark.torch

VAE = "first_stage_model."


def read(path: Path) -> tuple[Tensors, dict[str, str]]:
    with safe_open(path, framework="pt") as file:
        metadata = dict(file.metadata() or {})
    tensors: Tensors = load_file(path)
    if path == DEMO_CHECKPOINT:
        tensors = {
            name.removeprefix(VAE): each for name, each in tensors.items() if name.startswith(VAE)
        }
    return tensors, metadata


def companion(layout_of: Any) -> Callable[[ModelRecord, Device], Tensors]:
    def loaded(model: ModelRecord, device: Device) -> Tensors:
        return read_companion(model, device, device.dtype, None, layout_of)[1]

    return loaded


def of_lora(model: ModelRecord, device: Device) -> Tensors:
    tensors = load_lora(model, device).components["tensors"]
    return {name: each.data for name, each in tensors.named_parameters()} | dict(
        tensors.named_buffers()
    )


def of_embedding(model: ModelRecord, device: Device) -> Tensors:
    vectors = load_textual_inversion(model, device).components["vectors"]
    return {str(place): each.data for place, each in enumerate(vectors)}


def of_upscaler(model: ModelRecord, device: Device) -> Tensors:
    return dict(load_upscaler(model, device).components["network"].state_dict())


KINDS: dict[str, tuple[Path, Callable[[ModelRecord, Device], Tensors]]] = {
    "VAE": (DEMO_CHECKPOINT, companion(autoencoder_layout)),
    "ControlNet": (DEMO_CONTROLNET, companion(controlnet_layout)),
    "LoRA": (DEMO_LORA, of_lora),
    "embedding": (DEMO_EMBEDDING, of_embedding),
    "upscaler": (DEMO_UPSCALER, of_upscaler),
}


@pytest.mark.parametrize("dtype", [torch.float8_e4m3fn, torch.float8_e5m2])
@pytest.mark.parametrize("kind", KINDS)
def test_fp8_is_read_as_the_numbers_that_it_stands_for(
    tmp_path: Path, kind: str, dtype: torch.dtype
) -> None:
    source, load = KINDS[kind]
    tensors, metadata = read(source)
    codes = {name: each.to(dtype) if each.ndim else each for name, each in tensors.items()}
    plain = {name: each.to(torch.bfloat16) if each.ndim else each for name, each in codes.items()}
    save_file(codes, tmp_path / "a.safetensors", metadata=metadata)
    save_file(plain, tmp_path / "b.safetensors", metadata=metadata)
    device = find_device("cpu", "float32")
    of_codes, of_plain = (load(record(tmp_path / f"{name}.safetensors"), device) for name in "ab")
    assert of_codes.keys() == of_plain.keys()
    assert of_codes
    for name, tensor in of_codes.items():
        assert tensor.dtype.itemsize > 1
        assert torch.equal(tensor.float(), of_plain[name].float()), name


@pytest.mark.parametrize("kind", KINDS)
def test_a_number_that_is_none_is_found_in_fp8(tmp_path: Path, kind: str) -> None:
    if kind == "upscaler":  # its pictures tell
        return
    source, load = KINDS[kind]
    tensors, metadata = read(source)
    codes = {
        name: each.to(torch.float8_e4m3fn) if each.ndim else each for name, each in tensors.items()
    }
    name = next(name for name, each in codes.items() if each.ndim)
    codes[name].view(torch.uint8).view(-1)[0] = 127  # NaN
    save_file(codes, tmp_path / "a.safetensors", metadata=metadata)
    with pytest.raises(ModelNotLoadable, match="NaN"):
        load(record(tmp_path / "a.safetensors"), find_device("cpu", "float32"))


def test_a_scaled_controlnet_is_read(tmp_path: Path) -> None:
    tensors, metadata = read(DEMO_CONTROLNET)
    make, _ = SCALED["e4m3"]
    codes: Tensors = {}
    for name, each in tensors.items():
        if name.endswith(".weight") and each.ndim == 2:
            codes |= make(name.removesuffix(".weight"), each.float())
        else:
            codes[name] = each
    assert len(codes) > len(tensors)
    save_file(codes, tmp_path / "a.safetensors", metadata=metadata)
    _, load = KINDS["ControlNet"]
    device = find_device("cpu", "float32")
    found = load(record(tmp_path / "a.safetensors"), device)
    whole = load(record(DEMO_CONTROLNET), device)
    for name, tensor in found.items():
        assert (tensor - whole[name]).abs().mean() <= 0.04 * whole[name].abs().mean() + 1e-9
