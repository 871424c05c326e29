"""Weights with NaN, if OpenVINO computes with them."""

import dataclasses
from pathlib import Path

import pytest

from adapters.diffusion.image_generator import DiffusersImageGenerator
from domain.errors import GenerationFailed, ModelNotLoadable
from domain.models.record import ModelRecord
from tests.contract.conftest import DEMO_MODEL
from tests.contract.drawing.drawing import demo_request
from tests.contract.hostile.instructions import skip_without_int8
from tests.contract.openvino.test_openvino import draw

pytestmark = pytest.mark.torch


def broken_model(folder: Path) -> ModelRecord:
    """A model with one weight that is NaN."""
    import torch
    from safetensors import safe_open
    from safetensors.torch import load_file, save_file

    name = "model.diffusion_model.out.2.weight"
    tensors = load_file(DEMO_MODEL.path)
    with safe_open(DEMO_MODEL.path, framework="pt") as file:
        metadata = file.metadata()
    path = folder / "nan.safetensors"
    broken = {name: torch.full_like(tensors[name], float("nan"))}
    save_file(tensors | broken, path, metadata=metadata)
    return dataclasses.replace(DEMO_MODEL, id="0a" * 32, path=str(path), stamp=None)


def test_nan_weights_give_an_error(tmp_path: Path) -> None:
    generator = DiffusersImageGenerator(device="cpu", dtype="float32", backend="openvino")
    model = broken_model(tmp_path)
    with pytest.raises(GenerationFailed, match="NaN"):
        draw(generator, demo_request(model_id=model.id), model)
    assert draw(generator, demo_request())


def test_nan_weights_are_not_quantised(tmp_path: Path) -> None:
    skip_without_int8()
    generator = DiffusersImageGenerator(device="cpu", quantization="int8")
    model = broken_model(tmp_path)
    with pytest.raises(ModelNotLoadable, match=r"conv_out.weight holds NaN or infinity"):
        draw(generator, demo_request(model_id=model.id), model)
    assert draw(generator, demo_request())
