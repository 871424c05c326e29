"""The variants draw the same as a folder, with OpenVINO, and with previews."""

import hashlib
import importlib.util
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from domain.checkpoints.families import FAMILIES
from domain.models.record import ModelRecord
from tests.contract.channels.drawing import draw
from tests.contract.drawing.drawing import demo_request
from tests.contract.drawing.generating import generate, new_generator
from tests.contract.folders.folders import record_of
from tests.contract.variants.files import original_tensors, save_file
from tests.contract.variants.networks import VARIANTS, tiny_family, tiny_parts

pytestmark = pytest.mark.torch

REQUEST = demo_request(num_inference_steps=2, scheduler="Euler", width=256, height=256)


@pytest.fixture(scope="module")
def generator() -> Any:
    return new_generator(device="cpu", dtype="float32")


@pytest.fixture
def record(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> ModelRecord:
    variant = VARIANTS[request.param]
    tensors = original_tensors(tiny_parts(variant), has_gaps=variant.has_gaps)
    facts = cast("dict[Any, Any]", FAMILIES)
    monkeypatch.setitem(facts, variant.family, tiny_family(variant.family))
    return save_file(tmp_path / "tiny.safetensors", tensors, variant.family)


@pytest.mark.parametrize("record", ["sdxl", "ssd-1b"], indirect=True)
def test_a_pruned_model_is_the_same_as_a_folder_and_has_previews(
    record: ModelRecord, generator: Any, tmp_path: Path
) -> None:
    from adapters.diffusion.devices.device import find_device
    from adapters.diffusion.loading.loader import load_pipeline

    pipeline = load_pipeline(record, find_device("cpu", "float32"))
    pipeline.save_pretrained(tmp_path / "folder")
    folder = replace(record_of(tmp_path / "folder"), family=record.family)
    seen: list[bytes] = []
    generate(generator, record, [REQUEST], on_preview=lambda _, jpeg: seen.append(jpeg))
    (from_file,) = draw(generator, record, REQUEST).pictures
    (from_folder,) = draw(generator, folder, REQUEST).pictures
    assert np.abs(from_file - from_folder).max() <= 1
    assert seen


@pytest.mark.parametrize("record", ["sd-1", "sdxl"], indirect=True)
@pytest.mark.parametrize("suffix", [".ckpt", ".pth"])
def test_a_pickle_of_a_training_draws_the_same_pixels(
    record: ModelRecord, generator: Any, tmp_path: Path, suffix: str
) -> None:
    import torch
    from safetensors.torch import load_file

    path = tmp_path / f"tiny{suffix}"
    whole = {"state_dict": load_file(record.path), "global_step": 7, "optimizer_states": [{}]}
    torch.save(whole, path, _use_new_zipfile_serialization=suffix == ".ckpt")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    pickled = replace(record, id=digest, path=str(path), name=path.name, extension=suffix)
    (of_pickle,) = draw(generator, pickled, REQUEST).pictures
    (expected,) = draw(generator, record, REQUEST).pictures
    assert np.array_equal(of_pickle, expected)
    assert expected.std() > 1


@pytest.mark.skipif(
    importlib.util.find_spec("openvino") is None, reason="OpenVINO is not installed"
)
@pytest.mark.parametrize("record", ["tiny-sd with gaps"], indirect=True)
def test_openvino_draws_a_variant_as_torch_does(record: ModelRecord, generator: Any) -> None:
    (expected,) = draw(generator, record, REQUEST).pictures
    other = new_generator(device="cpu", dtype="float32", backend="openvino")
    (found,) = draw(other, record, REQUEST).pictures
    assert np.abs(found - expected).mean() <= 0.5
