"""A set of files draws what the pipeline of diffusers draws with the same weights."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from adapters.diffusion.image_generator import DiffusersImageGenerator
from domain.generation.request import GenerationRequest
from tests.contract.drawing.generating import generate, new_generator
from tests.contract.folders.folders import record_of as record_of_folder
from tests.contract.sets.tiny_language import (
    FAMILIES,
    all_in_one,
    pipeline_of,
    record_of,
    write_parts,
)

pytestmark = pytest.mark.torch

RequestFor = Callable[..., GenerationRequest]
PROMPT = "a red fox jumps over (two) naïve dogs, 你好"


@pytest.fixture(scope="module")
def generator() -> DiffusersImageGenerator:
    return new_generator(device="cpu", dtype="float32")


@pytest.mark.parametrize("name", FAMILIES)
def test_a_set_draws_what_the_pipeline_of_diffusers_draws(
    generator: DiffusersImageGenerator, request_for: RequestFor, tmp_path: Path, name: str
) -> None:
    import numpy as np

    pipeline = pipeline_of(name)
    model = record_of(name, write_parts(name, pipeline, tmp_path))
    request = request_for(prompt=PROMPT, negative_prompt="blue", guidance_scale=3.5)
    (batch,) = generate(generator, model, [request]).images
    drawn = np.asarray(Image.open(io.BytesIO(batch[0].data)), dtype=float)
    expected = _called(pipeline, request)
    assert np.abs(drawn - expected).mean() <= 0.5
    assert expected.std() > 5, "a plain picture would be equal whatever the weights are"


def test_comfyui_s_file_with_all_of_lumina_2_draws_the_same(
    generator: DiffusersImageGenerator, request_for: RequestFor, tmp_path: Path
) -> None:
    name = "lumina_2_model_bf16"
    pipeline = pipeline_of(name)
    request = request_for(prompt=PROMPT, guidance_scale=3.5)
    whole = record_of(name, all_in_one(name, pipeline, tmp_path / "lumina_2.safetensors"))
    parts = record_of(name, write_parts(name, pipeline, tmp_path))
    (of_whole,) = generate(generator, whole, [request]).images
    (of_parts,) = generate(generator, parts, [request]).images
    assert of_whole[0].data == of_parts[0].data


@pytest.mark.parametrize("name", ["Sana_600M_1024px"])
def test_a_set_draws_the_bytes_of_a_folder_of_the_same_weights(
    request_for: RequestFor, tmp_path: Path, name: str
) -> None:
    pipeline = pipeline_of(name)
    pipeline.save_pretrained(tmp_path / "folder")
    (tmp_path / "files").mkdir()
    of_set = record_of(name, write_parts(name, pipeline, tmp_path / "files"))
    generator, request = new_generator(device="cpu", dtype="bfloat16"), request_for(prompt=PROMPT)
    (drawn,) = generate(generator, of_set, [request]).images
    (expected,) = generate(generator, record_of_folder(tmp_path / "folder"), [request]).images
    assert drawn[0].data == expected[0].data


def _called(pipeline: Any, request: GenerationRequest) -> Any:
    """Return the picture that the pipeline draws with what its documentation says."""
    import inspect

    import numpy as np
    import torch

    takes = inspect.signature(pipeline.__call__).parameters
    options: dict[str, Any] = {}
    if "true_cfg_scale" in takes:
        options["true_cfg_scale"] = request.guidance_scale
    else:
        # Z-Image's pipeline counts from 0.
        options["guidance_scale"] = request.guidance_scale - ("cfg_truncation" in takes)
    if "negative_prompt" in takes:
        options["negative_prompt"] = request.negative_prompt
    if "use_resolution_binning" in takes:
        options["use_resolution_binning"] = False
    drawn = pipeline(
        prompt=request.prompt,
        width=request.width,
        height=request.height,
        num_inference_steps=request.num_inference_steps,
        generator=torch.Generator().manual_seed(request.seeds[0]),
        output_type="pil",
        **options,
    ).images[0]
    return np.asarray(drawn, dtype=float)
