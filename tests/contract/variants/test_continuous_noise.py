"""Files of CosXL, CosXL Edit and Playground v2.5 in the names of SDXL draw as diffusers does."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from domain.checkpoints.families import FAMILIES
from domain.checkpoints.training import decided, told_by_file
from domain.models.record import ModelFamily, ModelRecord
from tests.contract.channels.drawing import INIT, draw, from_picture
from tests.contract.drawing.drawing import demo_request
from tests.contract.drawing.generating import new_generator
from tests.contract.trainings.test_folders_own_scheduler import COSXL, PLAYGROUND
from tests.contract.trainings.test_sdxl_folders import MEAN, SPREAD
from tests.contract.variants.files import original_tensors, save_file
from tests.contract.variants.networks import VARIANTS, tiny_family, tiny_parts
from tests.contract.variants.theirs import STEPS, kind_of, theirs

pytestmark = pytest.mark.torch

NUMBERS: Mapping[str, Mapping[str, list[float]]] = {
    "cosxl": {"edm_vpred.sigma_max": [120.0], "edm_vpred.sigma_min": [0.002]},
    "playground": {"edm_mean": MEAN, "edm_std": SPREAD},
}


@pytest.fixture(scope="module")
def generator() -> Any:
    return new_generator(device="cpu", dtype="float32")


def file_of(
    name: str, variant: str, path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[ModelRecord, dict[str, Any]]:
    """Write a tiny file with the tensors that tell its noise. Return its record and its networks.

    The record has the training that listing finds in these tensors.
    """
    import torch

    family, numbers = VARIANTS[variant].family, NUMBERS[name]
    parts = tiny_parts(VARIANTS[variant])
    facts = cast("dict[Any, Any]", FAMILIES)
    monkeypatch.setitem(facts, family, tiny_family(family))
    training, _ = decided(told_by_file(family, numbers, {}, numbers))
    marks = {key: torch.tensor(each).squeeze() for key, each in numbers.items()}
    tensors = original_tensors(parts) | marks
    return save_file(path, tensors, family, training=training), parts


@pytest.mark.parametrize("name", NUMBERS)
def test_a_file_draws_from_text_as_diffusers_does(
    generator: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    import diffusers

    record, parts = file_of(name, "sdxl", tmp_path / "tiny.safetensors", monkeypatch)
    scheduler = diffusers.EDMEulerScheduler(**COSXL)
    if name == "playground":
        scheduler = diffusers.EDMDPMSolverMultistepScheduler(**PLAYGROUND)
        told = {"latents_mean": MEAN, "latents_std": SPREAD, "scaling_factor": 0.5}
        parts["vae"].register_to_config(**told)
    size: dict[str, Any] = {"width": 256, "height": 256}
    expected = theirs(
        parts,
        ModelFamily.SDXL,
        kind_of(parts),
        scheduler=scheduler,
        guidance_scale=3.0,
        **size,
    )
    request = demo_request(num_inference_steps=STEPS, guidance_scale=3.0, **size)
    (picture,) = draw(generator, record, request).pictures
    assert picture.std() > 1
    assert np.abs(picture - expected).mean() <= 0.5


def test_a_file_of_cosxl_edit_changes_a_picture_as_in_diffusers(
    generator: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import diffusers

    record, parts = file_of("cosxl", "sdxl-pix2pix", tmp_path / "a.safetensors", monkeypatch)
    expected = theirs(
        parts,
        ModelFamily.SDXL_PIX2PIX,
        "StableDiffusionXLInstructPix2PixPipeline",
        scheduler=diffusers.EDMEulerScheduler(**COSXL),
        options={"is_cosxl_edit": True},
        image=INIT,
        guidance_scale=7.5,
        image_guidance_scale=1.5,
        width=INIT.width,
        height=INIT.height,
    )
    request = from_picture(strength=1.0, num_inference_steps=STEPS, image_guidance_scale=1.5)
    (picture,) = draw(generator, record, request).pictures
    assert np.abs(picture - expected).mean() <= 0.5
