"""Files of other families in codes draw what plain files with the same numbers draw."""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from safetensors.torch import save_file as write

from adapters.diffusion.loading.weights import read_weights
from domain.checkpoints.families import FAMILIES
from domain.generation.parts import Lora
from domain.models.record import ModelRecord
from tests.contract.channels.drawing import draw, from_picture
from tests.contract.drawing.drawing import demo_request
from tests.contract.drawing.generating import new_generator
from tests.contract.loading.quantised.files import gguf_checkpoint, scaled
from tests.contract.variants.files import original_tensors, save_file
from tests.contract.variants.networks import VARIANTS, tiny_family, tiny_parts
from tests.contract.variants.test_loras import lora_of

pytestmark = pytest.mark.torch


@pytest.mark.parametrize(
    ("name", "form"), [("sd-2", "e4m3"), ("sdxl", "e4m3"), ("sdxl", "Q8_0"), ("ssd-1b", "Q8_0")]
)
def test_a_file_in_codes_draws_what_a_plain_one_draws(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, form: str
) -> None:
    variant, parts = VARIANTS[name], tiny_parts(VARIANTS[name])
    facts = cast("dict[Any, Any]", FAMILIES)
    monkeypatch.setitem(facts, variant.family, tiny_family(variant.family))
    tensors = {key: each.contiguous() for key, each in original_tensors(parts).items()}
    original = save_file(tmp_path / "original.safetensors", tensors, variant.family)
    path = tmp_path / ("codes.gguf" if form == "Q8_0" else "codes.safetensors")
    if form == "Q8_0":
        path.write_bytes(gguf_checkpoint(tensors, form, {}, 32))
    else:
        write(scaled(form, tensors), path)
    codes = at(path, original)
    weights = read_weights(codes, dtype=torch.float32)
    assert weights.has_codes
    numbers = {key: weights[key].contiguous() for key in weights}
    plain = save_file(tmp_path / "plain.safetensors", numbers, variant.family)
    lora = lora_of(parts, tmp_path / f"codes-{name}-{form}.safetensors")
    small: dict[str, Any] = {"num_inference_steps": 2, "scheduler": "Euler"}
    requests = {
        "text": demo_request(**small),
        "a picture": from_picture(strength=0.5, **small),
        "a LoRA": demo_request(loras=(Lora(model_id=lora.id, scale=1.0),), **small),
    }
    generator = new_generator(device="cpu", dtype="float32")
    found = {
        what: [draw(generator, each, request).pictures[0] for each in (codes, plain)]
        for what, request in requests.items()
    }
    for what, (of_codes, of_plain) in found.items():
        assert np.array_equal(of_codes, of_plain), what
    (expected,) = draw(generator, original, requests["text"]).pictures
    assert 0 < np.abs(found["text"][0] - expected).mean() < 8
    assert np.abs(found["text"][0] - found["a LoRA"][0]).mean() > 1


def at(path: Path, record: ModelRecord) -> ModelRecord:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return replace(record, id=digest, path=str(path), name=path.name, extension=path.suffix)
