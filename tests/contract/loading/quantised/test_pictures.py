"""The demo checkpoint in every precision and form, drawn through the whole loader.

Each file in codes is compared with a plain file of the numbers that the codes stand for: the same
pixels. A bound of each form keeps its pictures near those of the checkpoint.
"""

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from adapters.diffusion.image_generator import DiffusersImageGenerator
from adapters.diffusion.loading.weights import read_weights
from adapters.filesystem.classification.files import classify
from adapters.filesystem.headers.reading import read_header
from domain.generation.parts import Lora
from domain.generation.request import GenerationRequest
from tests.contract.additions.lora.files import lora_record
from tests.contract.conftest import DEMO_MODEL
from tests.contract.drawing.generating import MODELS, generate, new_generator
from tests.contract.from_pictures.drawing import Files, scene
from tests.contract.loading.quantised.files import (
    SCALED,
    Tensors,
    gguf_checkpoint,
    record,
    scaled,
)
from tests.contract.trainings.tiny import drawn

pytestmark = pytest.mark.torch

RequestFor = Callable[..., GenerationRequest]

BOUNDS = {  # the mean difference to the checkpoint, of 255, in float32
    **{"float16": 0.0, "float32": 0.0, "bfloat16": 1.0, "float8_e4m3fn": 8.0, "float8_e5m2": 16.0},
    **{"old e4m3": 1.5, "old e5m2": 4.0, "e4m3": 1.5, "e5m2 of rows": 4.0, "mxfp8": 1.5},
    **{"int8": 1.0, "int8 rotated": 1.0, "nvfp4": 8.0},
    **{"F16": 0.0, "BF16": 1.0, "Q8_0": 1.0, "Q4_0": 12.0},
}
PLAIN = ("float16", "float32", "bfloat16", "float8_e4m3fn", "float8_e5m2")
GGUF = {"F16": 1, "BF16": 1, "Q8_0": 32, "Q4_0": 32}


@pytest.fixture(scope="module")
def tensors() -> Tensors:
    found: Tensors = load_file(DEMO_MODEL.path)
    return found


@pytest.fixture(scope="module")
def metadata() -> dict[str, str]:
    with safe_open(DEMO_MODEL.path, framework="pt") as file:
        return dict(file.metadata())


@pytest.fixture
def generator() -> Iterator[DiffusersImageGenerator]:
    yield new_generator(device="cpu", dtype="float32")


@pytest.fixture(scope="module")
def of_the_demo() -> np.ndarray:
    request = GenerationRequest(
        id="r1",
        model_id=DEMO_MODEL.id,
        prompt="a red circle",
        num_inference_steps=1,
        width=256,
        height=256,
        seed=7,
    )
    drawn = generate(new_generator(device="cpu", dtype="float32"), DEMO_MODEL, [request])
    return pixels(drawn.images[0][0].data)


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)


def drawn_with(
    generator: DiffusersImageGenerator, path: Path, request: GenerationRequest
) -> np.ndarray:
    return pixels(generate(generator, record(path), [request]).images[0][0].data)


def write(folder: Path, form: str, tensors: Tensors, metadata: dict[str, str]) -> Path:
    if form in GGUF:
        path = folder / f"{form}.gguf"
        path.write_bytes(gguf_checkpoint(tensors, form, metadata, GGUF[form]))
        return path
    path = folder / f"{form.replace(' ', '-')}.safetensors"
    if form in PLAIN:
        dtype = getattr(torch, form)
        made = {name: each.to(dtype) if each.ndim > 1 else each for name, each in tensors.items()}
    else:
        made = scaled(form, tensors)
    save_file(made, path, metadata=metadata)
    return path


@pytest.mark.parametrize("form", BOUNDS)
def test_a_checkpoint_draws_in_every_precision_and_form(
    tmp_path: Path,
    generator: DiffusersImageGenerator,
    request_for: RequestFor,
    tensors: Tensors,
    metadata: dict[str, str],
    of_the_demo: np.ndarray,
    form: str,
) -> None:
    path = write(tmp_path, form, tensors, metadata)
    with path.open("rb") as file:
        listed = classify(read_header(file, path.stat().st_size, path.suffix))
    assert listed.reason is None
    label = {"F16": "float16", "BF16": "bfloat16"}.get(form, form)
    assert listed.precision == (SCALED[form][1] if form in SCALED else label)
    request = request_for(num_inference_steps=1)
    drawn = drawn_with(generator, path, request)
    difference = np.abs(drawn - of_the_demo).mean()
    assert difference <= BOUNDS[form]
    if form in ("float16", "float32", "bfloat16", "F16", "BF16"):
        return
    assert difference > 0
    # A plain file of the same numbers draws the same pixels.
    plain = tmp_path / "plain.safetensors"
    weights = read_weights(record(path), dtype=torch.float32)
    save_file({name: weights[name].contiguous() for name in weights}, plain, metadata=metadata)
    np.testing.assert_array_equal(drawn_with(generator, plain, request), drawn)


@pytest.mark.parametrize("form", ["e4m3", "Q8_0"])
def test_a_checkpoint_draws_in_bfloat16(
    tmp_path: Path,
    request_for: RequestFor,
    tensors: Tensors,
    metadata: dict[str, str],
    form: str,
) -> None:
    path = write(tmp_path, form, tensors, metadata)
    generator = new_generator(device="cpu", dtype="bfloat16")
    drawn = drawn_with(generator, path, request_for())
    plain = tmp_path / "plain.safetensors"
    weights = read_weights(record(path), dtype=torch.bfloat16)
    save_file({name: weights[name].contiguous() for name in weights}, plain, metadata=metadata)
    np.testing.assert_array_equal(drawn_with(generator, plain, request_for()), drawn)


@pytest.mark.parametrize("form", ["float8_e4m3fn", "old e4m3", "e4m3", "int8", "nvfp4", "Q8_0"])
def test_pictures_and_loras_do_with_codes_what_they_do_with_plain_numbers(
    tmp_path: Path,
    generator: DiffusersImageGenerator,
    tensors: Tensors,
    metadata: dict[str, str],
    form: str,
) -> None:
    path, plain = write(tmp_path, form, tensors, metadata), tmp_path / "plain.safetensors"
    weights = read_weights(record(path), dtype=torch.float32)
    save_file({name: weights[name].contiguous() for name in weights}, plain, metadata=metadata)
    blueprint = lora_record(Path(DEMO_MODEL.path).with_name("demo-blueprint.safetensors"))
    MODELS.put(blueprint, blueprint.id)
    files = Files()
    source = files.source(scene(), strength=0.5)
    kinds: dict[str, dict[str, object]] = {
        "a picture": {"source": source},
        "a LoRA": {"loras": (Lora(model_id=blueprint.id, scale=1.0),)},
    }
    for kind, changes in kinds.items():
        of_codes, of_plain, without = (
            drawn(generator, record(each), files, **more)
            for each, more in ((path, changes), (plain, changes), (path, {}))
        )
        assert np.array_equal(of_codes, of_plain), kind
        assert np.abs(of_codes - without).mean() > 1, kind
