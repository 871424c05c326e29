"""What listing takes for a layer, loading makes, for layers of generated types and shapes."""

import json
import random
from collections import Counter
from typing import Any

import pytest
import torch

from adapters.diffusion.loading.quantised.scaled import made_layers
from adapters.diffusion.loading.weights import tensor_facts
from domain.checkpoints.quantised import marker_names, quantisation_of_file
from tests.contract.loading.quantised.files import SCALED, Tensors, marker

pytestmark = pytest.mark.torch

_TYPES = (
    *(torch.float8_e4m3fn, torch.float8_e5m2, torch.uint8, torch.int8),
    *(torch.float32, torch.bfloat16, torch.float8_e8m0fnu),
)
_FORMATS = ("float8_e4m3fn", "float8_e5m2", "mxfp8", "nvfp4", "int8_tensorwise", "other")
_SHAPES = ((), (1,), (4,), (4, 1), (4, 32), (4, 64), (4, 16), (1, 64), (2, 4, 16), (0, 32), (64,))
_SCALES = (*_SHAPES, (128, 4), (512,), (4, 128), (128, 8))
_BESIDE = (
    "weight",
    "weight_scale",
    "scale_weight",
    "weight_scale_2",
    "pre_quant_scale",
    "input_scale",
)


def zeros(chance: random.Random, shapes: tuple[tuple[int, ...], ...]) -> torch.Tensor:
    shape = chance.choice(shapes)
    return torch.zeros(shape, dtype=torch.uint8).to(chance.choice(_TYPES))


def generated(chance: random.Random) -> tuple[Tensors, dict[str, str]]:
    """Return a valid layer of some form, of which up to two tensors are others."""
    make, _ = SCALED[chance.choice(list(SCALED))]
    tensors = make("a", torch.randn(4, 64))
    told = tensors.get("a.comfy_quant")
    for _ in range(chance.randrange(3)):
        name = chance.choice(_BESIDE)
        if chance.random() < 0.2:
            tensors.pop(f"a.{name}", None)
        else:
            tensors[f"a.{name}"] = zeros(chance, _SHAPES if name == "weight" else _SCALES)
    if told is None:
        return tensors, {}
    options: dict[str, Any] = json.loads(told.numpy().tobytes())
    if chance.random() < 0.3:
        options["format"] = chance.choice(_FORMATS)
    if chance.random() < 0.2:
        options |= {"convrot": True, "convrot_groupsize": chance.choice((4, 16, 48, "16", None))}
    tensors["a.comfy_quant"] = marker(**options)
    if chance.random() < 0.3:
        del tensors["a.comfy_quant"]
        return tensors, {"_quantization_metadata": json.dumps({"layers": {"a": options}})}
    return tensors, {}


def test_a_layer_that_is_listed_can_be_loaded() -> None:
    torch.manual_seed(0)
    ends: Counter[str] = Counter()
    for seed in range(3000):
        tensors, metadata = generated(random.Random(f"layer {seed}"))
        facts = tensor_facts(tensors)
        markers = {name: tensors[name].numpy().tobytes() for name in marker_names(facts)}
        found = quantisation_of_file(facts, metadata, markers)
        if found is None:
            ends["plain"] += 1
        elif found.fault is not None:
            ends["refused"] += 1
        else:
            assert set(found.plain(facts)) <= {"a.weight"}, seed
            for name, made in made_layers(found.layers, tensors, lambda: None).items():
                weight = made.make(torch.bfloat16)
                assert weight.shape == found.layers[name].shape == made.shape, seed
                ends[str(found.label)] += 1
    assert {"refused", "mxfp8", "nvfp4", "int8", "int8 rotated"} <= set(ends)
    assert {"float8_e4m3fn scaled", "float8_e5m2 scaled"} <= set(ends)
