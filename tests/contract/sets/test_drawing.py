"""A set of files draws what the pipeline of diffusers draws with the same weights."""

import hashlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from adapters.diffusion.image_generator import DiffusersImageGenerator
from domain.generation.request import GenerationRequest
from domain.models.record import ModelRecord
from tests.contract.drawing.generating import generate, new_generator
from tests.contract.sets.tiny import FAMILIES, all_in_one, listed, pipeline_of, write_parts

pytestmark = pytest.mark.torch

RequestFor = Callable[..., GenerationRequest]
PROMPT = "a red fox jumps over (two) naïve dogs"


@pytest.fixture(scope="module")
def generator() -> DiffusersImageGenerator:
    return new_generator(device="cpu", dtype="float32")


@pytest.mark.parametrize("name", FAMILIES)
def test_a_set_draws_what_the_pipeline_of_diffusers_draws(
    generator: DiffusersImageGenerator, request_for: RequestFor, tmp_path: Path, name: str
) -> None:
    pipeline = pipeline_of(name)
    write_parts(pipeline, tmp_path, open_clip=name == "sd3.5-large")
    request = request_for(prompt=PROMPT, guidance_scale=3.5)
    _check(generator, listed(tmp_path), pipeline, request)


@pytest.mark.parametrize("name", ["flux-dev", "chroma", "sd3.5-medium"])
def test_one_file_with_every_component_draws_the_same(
    generator: DiffusersImageGenerator, request_for: RequestFor, tmp_path: Path, name: str
) -> None:
    from safetensors.torch import save_file

    pipeline = pipeline_of(name)
    save_file(all_in_one(pipeline), tmp_path / "all.safetensors")
    model = listed(tmp_path)
    digest = hashlib.sha256((tmp_path / "all.safetensors").read_bytes()).hexdigest()
    assert (model.id, model.family) == (digest, FAMILIES[name][0])
    _check(generator, model, pipeline, request_for(prompt=PROMPT, num_inference_steps=1))


def test_a_tensor_of_no_known_component_is_told_when_the_file_is_listed(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    whole = all_in_one(pipeline_of("flux-schnell"))
    whole["redux_embedder.weight"] = torch.zeros(2)
    save_file(whole, tmp_path / "all.safetensors")
    model = listed(tmp_path)
    assert not model.loadable
    assert "redux_embedder.weight" in str(model.reason)


def _check(
    generator: DiffusersImageGenerator,
    model: ModelRecord,
    pipeline: Any,
    request: GenerationRequest,
) -> None:
    import numpy as np

    (batch,) = generate(generator, model, [request]).images
    drawn = np.asarray(Image.open(io.BytesIO(batch[0].data)), dtype=float)
    expected = _called(pipeline, request)
    assert np.abs(drawn - expected).mean() <= 0.5
    assert expected.std() > 5, "a plain picture would be equal whatever the weights are"


def _called(pipeline: Any, request: GenerationRequest) -> Any:
    import numpy as np
    import torch

    drawn = pipeline(
        request.prompt,
        width=request.width,
        height=request.height,
        num_inference_steps=request.num_inference_steps,
        guidance_scale=request.guidance_scale,
        generator=torch.Generator().manual_seed(request.seeds[0]),
        output_type="pil",
    ).images[0]
    return np.asarray(drawn, dtype=float)
