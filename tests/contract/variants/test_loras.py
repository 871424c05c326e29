"""A LoRA changes a file of each family as it changes the pipeline of diffusers."""

from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from domain.checkpoints.families import FAMILIES
from domain.generation.parts import Lora
from domain.models.record import ModelFamily, ModelRecord
from tests.contract.additions.lora.files import random_tensors, written
from tests.contract.channels.drawing import INIT, MASK, SIDE, draw, from_picture
from tests.contract.drawing.drawing import demo_request
from tests.contract.drawing.generating import MODELS, new_generator
from tests.contract.trainings.test_folders_own_scheduler import COSXL
from tests.contract.variants.files import original_tensors, save_file
from tests.contract.variants.networks import VARIANTS, tiny_family, tiny_parts
from tests.contract.variants.test_continuous_noise import file_of
from tests.contract.variants.theirs import STEPS, kind_of, theirs

pytestmark = pytest.mark.torch

FROM_TEXT = ("sd-1", "sd-2", "sdxl", "ssd-1b", "lcm")
SIZE: dict[str, Any] = {"width": SIDE, "height": SIDE}
APART = 0.5


@pytest.fixture(scope="module")
def generator() -> Any:
    return new_generator(device="cpu", dtype="float32")


def made(
    name: str, path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[ModelRecord, dict[str, Any]]:
    """Write a variant as a file. Return its record and its networks."""
    variant = VARIANTS[name]
    parts = tiny_parts(variant)
    facts = cast("dict[Any, Any]", FAMILIES)
    monkeypatch.setitem(facts, variant.family, tiny_family(variant.family))
    return save_file(path, original_tensors(parts), variant.family), parts


def lora_of(parts: dict[str, Any], path: Path) -> ModelRecord:
    """Write a LoRA of each projection of the UNet's attention, in the names of diffusers."""
    shapes: dict[str, tuple[int, ...]] = {}
    for name, each in parts["unet"].named_parameters():
        module, _, kind = name.rpartition(".")
        if kind == "weight" and ".attn" in module and each.ndim == 2:
            shapes[f"unet.{module}.lora_A.weight"] = (4, each.shape[1])
            shapes[f"unet.{module}.lora_B.weight"] = (each.shape[0], 4)
    assert shapes
    record = written(path, random_tensors(shapes, size=0.15))
    MODELS.put(record, record.id)
    return record


@pytest.mark.parametrize("name", FROM_TEXT)
def test_a_lora_changes_a_drawing_from_text_as_in_diffusers(
    generator: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    record, parts = made(name, tmp_path / "tiny.safetensors", monkeypatch)
    lora = lora_of(parts, tmp_path / f"{name}-lora.safetensors")
    request: dict[str, Any] = {"num_inference_steps": STEPS, "scheduler": "Euler", **SIZE}
    plain, ours = (
        draw(generator, record, demo_request(loras=each, **request)).pictures[0]
        for each in ((), (Lora(model_id=lora.id, scale=1.0),))
    )
    assert record.family is not None
    call: dict[str, Any] = {"guidance_scale": 7.5, **SIZE}
    expected = theirs(parts, record.family, kind_of(parts), lora=Path(lora.path), **call)
    assert np.abs(plain - ours).mean() > 2 * APART
    assert np.abs(ours - expected).mean() <= APART


def test_a_lora_changes_a_file_of_cosxl_as_in_diffusers(
    generator: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import diffusers

    record, parts = file_of("cosxl", "sdxl", tmp_path / "tiny.safetensors", monkeypatch)
    lora = lora_of(parts, tmp_path / "cosxl-lora.safetensors")
    request: dict[str, Any] = {"num_inference_steps": STEPS, "guidance_scale": 3.0, **SIZE}
    plain, ours = (
        draw(generator, record, demo_request(loras=each, **request)).pictures[0]
        for each in ((), (Lora(model_id=lora.id, scale=1.0),))
    )
    expected = theirs(
        parts,
        ModelFamily.SDXL,
        kind_of(parts),
        scheduler=diffusers.EDMEulerScheduler(**COSXL),
        lora=Path(lora.path),
        guidance_scale=3.0,
        **SIZE,
    )
    assert np.abs(plain - ours).mean() > 2 * APART
    assert np.abs(ours - expected).mean() <= APART


@pytest.mark.parametrize("name", ["sdxl-inpaint", "pix2pix"])
def test_a_lora_changes_a_drawing_from_a_picture_as_in_diffusers(
    generator: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    record, parts = made(name, tmp_path / "tiny.safetensors", monkeypatch)
    lora = lora_of(parts, tmp_path / f"{name}-lora.safetensors")
    masked = name == "sdxl-inpaint"
    call: dict[str, Any] = {"guidance_scale": 7.5, "image": INIT}
    call |= {"mask_image": MASK, "strength": 1.0, **SIZE} if masked else {}
    call |= {} if masked else {"image_guidance_scale": 1.5}
    kind = kind_of(parts, "Inpaint" if masked else "InstructPix2Pix")
    assert record.family is not None
    expected = theirs(parts, record.family, kind, lora=Path(lora.path), **call)
    sent = {"mask": MASK, "mask_blur": 0} if masked else {}
    request: dict[str, Any] = {
        "strength": 1.0,
        "num_inference_steps": STEPS,
        "scheduler": "Euler",
        **sent,
    }
    plain, ours = (
        draw(generator, record, from_picture(loras=each, **request)).pictures[0]
        for each in ((), (Lora(model_id=lora.id, scale=1.0),))
    )
    inside = np.asarray(MASK) == 255 if masked else np.full((SIDE, SIDE), True)
    assert np.abs(plain - ours)[inside].mean() > 2 * APART
    assert np.abs(ours - expected)[inside].mean() <= APART
