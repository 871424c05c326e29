"""A set of files draws from a picture, also with a mask, as diffusers does with its weights."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from domain.checkpoints.pipelines import COUNTERPARTS
from domain.models.record import ModelRecord
from tests.contract.channels.drawing import INIT, MASK, SIDE, draw, from_picture
from tests.contract.channels.test_other_pipelines import theirs
from tests.contract.drawing.generating import new_generator
from tests.contract.sets import tiny, tiny_language

pytestmark = pytest.mark.torch

PROMPT = "a red circle"
CASES: Mapping[str, Mapping[str, Any]] = {  # the arguments for a guidance of 3, no negative prompt
    "flux-dev": {"guidance_scale": 3.0},
    "chroma": {"guidance_scale": 3.0},
    "sd3.5-medium": {"guidance_scale": 3.0},
    "flux-2-klein-4b": {"guidance_scale": 3.0},
    "z_image_turbo_bf16": {"guidance_scale": 2.0},  # its pipeline counts from 0
    "qwen_image_bf16": {"true_cfg_scale": 3.0, "negative_prompt": " "},
}
MASKED = (
    *("flux-dev", "sd3.5-medium", "flux-2-klein-4b"),
    *("z_image_turbo_bf16", "qwen_image_bf16"),
)
SIZE = {"width": SIDE, "height": SIDE}
STEPS = 2


@pytest.fixture(scope="module")
def generator() -> Any:
    return new_generator(device="cpu", dtype="float32", cache_bytes=0)


def written(name: str, folder: Path) -> tuple[ModelRecord, Any]:
    """Write the files of a set. Return its record and the pipeline of diffusers."""
    module: Any = tiny if name in tiny.FAMILIES else tiny_language
    pipeline = module.pipeline_of(name)
    if module is tiny:
        tiny.write_parts(pipeline, folder)
        return tiny.listed(folder), pipeline
    paths = tiny_language.write_parts(name, pipeline, folder)
    return tiny_language.record_of(name, paths), pipeline


@pytest.mark.parametrize("name", CASES)
def test_a_set_draws_from_a_picture_as_diffusers_does(
    generator: Any, tmp_path: Path, name: str
) -> None:
    model, pipeline = written(name, tmp_path)
    changes = {"strength": 0.5, "guidance_scale": 3.0, "num_inference_steps": STEPS}
    (found,) = draw(generator, model, from_picture(prompt=PROMPT, **changes)).pictures
    kind = COUNTERPARTS[type(pipeline).__name__].image
    assert kind is not None
    call = {"image": INIT, "strength": 0.5, "num_inference_steps": STEPS, **CASES[name], **SIZE}
    if name.startswith("flux-2"):
        call["mask_image"] = Image.new("L", INIT.size, 255)
    expected = theirs(pipeline, kind, **call)
    assert np.abs(found - expected).mean() <= 0.5
    assert np.abs(found - np.asarray(INIT)).mean() > 2


@pytest.mark.parametrize("name", MASKED)
def test_a_set_draws_a_masked_area_as_diffusers_does(
    generator: Any, tmp_path: Path, name: str
) -> None:
    model, pipeline = written(name, tmp_path)
    changes = {"strength": 0.5, "guidance_scale": 3.0, "num_inference_steps": STEPS}
    request = from_picture(mask=MASK, mask_blur=0, prompt=PROMPT, **changes)
    (found,) = draw(generator, model, request).pictures
    kind = COUNTERPARTS[type(pipeline).__name__].mask
    assert kind is not None
    call = {"strength": 0.5, "num_inference_steps": STEPS, **CASES[name], **SIZE}
    expected = theirs(pipeline, kind, image=INIT, mask_image=MASK, **call)
    inside = np.asarray(MASK) == 255
    assert np.abs(found - expected)[inside].mean() <= 0.5
    assert np.array_equal(found[~inside], np.asarray(INIT)[~inside])
