"""A diffusers folder of each newer family draws what the pipeline of diffusers draws with it."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from domain.generation.request import GenerationRequest
from tests.contract.drawing.generating import generate, new_generator
from tests.contract.folders.folders import save_newer
from tests.contract.sets import test_drawing, test_language_pictures, tiny, tiny_language
from tests.contract.trainings.tiny import listed

pytestmark = pytest.mark.torch

RequestFor = Callable[..., GenerationRequest]
NAMES = (
    *("flux-dev", "chroma", "sd3.5-medium", "flux-2-klein-4b", "z_image_turbo_bf16"),
    *("qwen_image_bf16", "lumina_2_model_bf16", "pixart"),
)


@pytest.fixture(scope="module")
def generator() -> Any:
    return new_generator(device="cpu", dtype="float32", cache_bytes=0)


@pytest.mark.parametrize("name", NAMES)
def test_a_folder_draws_what_the_pipeline_of_diffusers_draws(
    generator: Any, request_for: RequestFor, tmp_path: Path, name: str
) -> None:
    import diffusers

    folder = tmp_path / "folder"
    called = test_drawing._called if name in tiny.FAMILIES else test_language_pictures._called
    if name == "pixart":
        pipeline = diffusers.PixArtSigmaPipeline.from_pretrained(save_newer(folder, name))
        pipeline.set_progress_bar_config(disable=True)
    else:
        made = tiny.pipeline_of if name in tiny.FAMILIES else tiny_language.pipeline_of
        pipeline = made(name)
        pipeline.save_pretrained(folder)
    negative = {} if name in tiny.FAMILIES else {"negative_prompt": "blue"}
    request = request_for(prompt="a red fox", guidance_scale=3.5, num_inference_steps=2, **negative)
    model = listed(tmp_path)
    assert model.reason is None
    (batch,) = generate(generator, model, [request]).images
    drawn = np.asarray(Image.open(io.BytesIO(batch[0].data)), dtype=float)
    assert np.abs(drawn - called(pipeline, request)).mean() <= 0.5
    assert drawn.std() > 5
