"""Sets with files in codes draw what sets of plain files with the same numbers draw."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from adapters.diffusion.image_generator import DiffusersImageGenerator
from adapters.diffusion.loading.weights import read_weights
from domain.generation.request import GenerationRequest
from tests.contract.drawing.generating import generate, new_generator
from tests.contract.loading.quantised.files import GGML_NUMBERS, record, scaled
from tests.contract.sets import tiny, tiny_language
from tests.unit.checkpoints.quantised.gguf_files import entry, gguf_file
from tests.unit.classification.test_quantised_sets import in_gguf

pytestmark = pytest.mark.torch

RequestFor = Callable[..., GenerationRequest]
SETS: Mapping[str, tuple[str, str]] = {  # the text encoder, and its name in GGUF
    "flux-dev": ("text_encoder_2", "t5encoder"),
    "z_image_turbo_bf16": ("text_encoder", "qwen3"),
}


@pytest.fixture(scope="module")
def generator() -> DiffusersImageGenerator:
    return new_generator(device="cpu", dtype="float32")


def written(name: str, folder: Path) -> dict[str, Path]:
    if name in tiny.FAMILIES:
        return tiny.write_parts(tiny.pipeline_of(name), folder)
    return tiny_language.write_parts(name, tiny_language.pipeline_of(name), folder)


def record_of(name: str, paths: Mapping[str, Path]) -> Any:
    return (tiny if name in tiny.FAMILIES else tiny_language).record_of(name, paths)


def as_gguf(path: Path, architecture: str, type_name: str) -> Path:
    """Write a file as GGUF, in the names of llama.cpp if it is a text encoder."""
    import gguf

    tensors = {name: each.float() for name, each in load_file(path).items()}
    shapes = {name: tuple(each.shape) for name, each in tensors.items()}
    stored: dict[str, tuple[tuple[int, ...], int, bytes]] = {}
    for (name, shape), each in zip(
        in_gguf(shapes, architecture).items(), tensors.values(), strict=True
    ):
        numbers = each.reshape(shape).contiguous().numpy()
        if type_name == "Q8_0" and len(shape) > 1 and shape[-1] % 32 == 0:
            codes = gguf.quants.quantize(numbers, gguf.GGMLQuantizationType.Q8_0)
            stored[name] = (shape, GGML_NUMBERS["Q8_0"], codes.tobytes())
        else:
            stored[name] = (shape, GGML_NUMBERS["F32"], numbers.tobytes())
    target = path.with_suffix(".gguf")
    target.write_bytes(gguf_file(stored, [entry("general.architecture", architecture)]))
    return target


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("form", ["GGUF", "scaled fp8"])
def test_a_set_in_codes_draws_what_plain_files_draw(
    generator: DiffusersImageGenerator,
    request_for: RequestFor,
    tmp_path: Path,
    name: str,
    form: str,
) -> None:
    role, architecture = SETS[name]
    paths = written(name, tmp_path)
    whole = load_file(paths[role])
    in_codes = dict(paths)
    for each in ("transformer", role):
        if form == "GGUF":
            in_codes[each] = as_gguf(paths[each], architecture if each == role else "x", "Q8_0")
        else:
            in_codes[each] = paths[each].with_name(f"{each}-fp8.safetensors")
            save_file(scaled("e4m3", load_file(paths[each])), in_codes[each])
        weights = read_weights(record(in_codes[each]), dtype=torch.float32)
        assert weights.has_codes
        save_file({key: weights[key].contiguous() for key in weights}, paths[each])
    assert load_file(paths[role]).keys() == whole.keys()
    request = request_for(guidance_scale=3.5, num_inference_steps=1)
    (of_codes,) = generate(generator, record_of(name, in_codes), [request]).images
    (of_plain,) = generate(generator, record_of(name, paths), [request]).images
    assert of_codes[0].data == of_plain[0].data
    # The numbers of plain files are those before, rounded.
    for key, each in load_file(paths[role]).items():
        error = (each.float() - whole[key].float()).abs().mean()
        assert error <= 0.04 * whole[key].float().abs().mean() + 1e-9, key
