"""The change of each form equals its formula in float64, and changes of several files add up."""

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from domain.checkpoints.additions.network_modules import NetworkModule
from tests.contract.additions.lora.files import kohya_name, random_tensors, written
from tests.contract.additions.lora.merging import merged_into, weights
from tests.contract.additions.lora.tiny import changeable, tiny_sd_1

pytestmark = pytest.mark.torch

Tensors = dict[str, Any]
APART = 2e-6
"""The most that a weight of about 0.1 may differ in float32."""
ALPHA, RANK, SCALE = 3.0, 4, 0.7

LINEAR = "down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k"
POINTWISE = "down_blocks.0.attentions.0.proj_in"
CONVOLUTION = "down_blocks.1.resnets.0.conv1"
NORM = "down_blocks.1.resnets.0.norm1"


@cache
def pipeline() -> Any:
    return tiny_sd_1()


@cache
def module(name: str) -> NetworkModule:
    return next(each for each in changeable(pipeline()) if each.name == name)


def original(name: str) -> Any:
    return pipeline().unet.get_parameter(name).detach().double()


def factor(rank: int = RANK) -> float:
    return ALPHA / rank


def lora(weight: Any, t: Tensors) -> Any:
    up, down = t["lora_up.weight"].flatten(1), t["lora_down.weight"].flatten(1)
    return weight + SCALE * factor() * (up @ down).reshape(weight.shape)


def lora_with_middle(weight: Any, t: Tensors) -> Any:
    import torch

    up, down = t["lora_up.weight"][..., 0, 0], t["lora_down.weight"][..., 0, 0]
    change = torch.einsum("oa,abhw,bi->oihw", up, t["lora_mid.weight"], down)
    return weight + SCALE * factor() * change


def loha(weight: Any, t: Tensors) -> Any:
    change = (t["hada_w1_a"] @ t["hada_w1_b"]) * (t["hada_w2_a"] @ t["hada_w2_b"])
    return weight + SCALE * factor() * change.reshape(weight.shape)


def loha_with_thirds(weight: Any, t: Tensors) -> Any:
    import torch

    one, two = (
        torch.einsum(
            "ao,bi,abhw->oihw", t[f"hada_w{each}_a"], t[f"hada_w{each}_b"], t[f"hada_t{each}"]
        )
        for each in (1, 2)
    )
    return weight + SCALE * factor() * one * two


def blockwise(first: Any, second: Any) -> Any:
    """Return the Kronecker product: each number of the first times all of the second."""
    import torch

    return torch.cat(
        [torch.cat([number * second for number in row], dim=1) for row in first], dim=0
    )


def lokr(weight: Any, t: Tensors) -> Any:
    # With two whole factors LyCORIS has no rank, so alpha does nothing.
    return weight + SCALE * blockwise(t["lokr_w1"], t["lokr_w2"])


def lokr_with_ranks(weight: Any, t: Tensors) -> Any:
    first = t["lokr_w1_a"] @ t["lokr_w1_b"]
    second = (t["lokr_w2_a"] @ t["lokr_w2_b"]).reshape(
        weight.shape[0] // len(first), -1, *weight.shape[2:]
    )
    return weight + SCALE * factor() * blockwise(first, second)


def lokr_with_third(weight: Any, t: Tensors) -> Any:
    import torch

    second = torch.einsum("ao,bi,abhw->oihw", t["lokr_w2_a"], t["lokr_w2_b"], t["lokr_t2"])
    return weight + SCALE * factor() * blockwise(t["lokr_w1"], second)


def dora(weight: Any, t: Tensors) -> Any:
    import torch

    change = (t["lora_up.weight"].flatten(1) @ t["lora_down.weight"].flatten(1)) * factor()
    directed = weight.flatten(1) + change
    rows = torch.stack([row / (row**2).sum().sqrt() for row in directed])
    whole = rows * t["dora_scale"].reshape(-1, 1)
    return weight + SCALE * (whole.reshape(weight.shape) - weight)


def dora_over_inputs(weight: Any, t: Tensors) -> Any:
    import torch

    change = (t["lora_up.weight"].flatten(1) @ t["lora_down.weight"].flatten(1)) * factor()
    directed = weight + change.reshape(weight.shape)
    whole = torch.stack(
        [
            directed[:, each] * (t["dora_scale"].flatten()[each] / directed[:, each].norm())
            for each in range(weight.shape[1])
        ],
        dim=1,
    )
    return weight + SCALE * (whole - weight)


def whole_difference(weight: Any, t: Tensors) -> Any:
    return weight + SCALE * t["diff"].reshape(weight.shape)


def norm(weight: Any, t: Tensors) -> Any:
    return weight + SCALE * t["w_norm"]


def ia3(weight: Any, t: Tensors) -> Any:
    return weight + SCALE * weight * t["weight"].reshape(-1, 1)


def ia3_of_inputs(weight: Any, t: Tensors) -> Any:
    return weight + SCALE * weight * t["weight"].reshape(1, -1)


Shapes = Mapping[str, tuple[int, ...]]
_PAIR: Shapes = {"lora_down.weight": (RANK, 24), "lora_up.weight": (32, RANK)}
_PAIR_OF_CONVOLUTION: Shapes = {
    "lora_down.weight": (RANK, 32, 3, 3),
    "lora_up.weight": (64, RANK, 1, 1),
}
FORMS: dict[str, tuple[str, Callable[[Any, Tensors], Any], Shapes]] = {
    "LoRA": (LINEAR, lora, _PAIR),
    "LoRA of one pixel": (POINTWISE, lora, {**_PAIR, "lora_down.weight": (RANK, 32)}),
    "LoRA of a convolution": (CONVOLUTION, lora, _PAIR_OF_CONVOLUTION),
    "LoRA with a middle": (
        CONVOLUTION,
        lora_with_middle,
        {
            "lora_down.weight": (RANK, 32, 1, 1),
            "lora_mid.weight": (RANK, RANK, 3, 3),
            "lora_up.weight": (64, RANK, 1, 1),
        },
    ),
    "LoHa": (
        LINEAR,
        loha,
        {
            "hada_w1_a": (32, RANK),
            "hada_w1_b": (RANK, 24),
            "hada_w2_a": (32, RANK),
            "hada_w2_b": (RANK, 24),
        },
    ),
    "LoHa of a convolution": (
        CONVOLUTION,
        loha,
        {
            "hada_w1_a": (64, RANK),
            "hada_w1_b": (RANK, 288),
            "hada_w2_a": (64, RANK),
            "hada_w2_b": (RANK, 288),
        },
    ),
    "LoHa with third tensors": (
        CONVOLUTION,
        loha_with_thirds,
        {
            "hada_w1_a": (RANK, 64),
            "hada_w1_b": (RANK, 32),
            "hada_t1": (RANK, RANK, 3, 3),
            "hada_w2_a": (RANK, 64),
            "hada_w2_b": (RANK, 32),
            "hada_t2": (RANK, RANK, 3, 3),
        },
    ),
    "LoKr": (LINEAR, lokr, {"lokr_w1": (4, 3), "lokr_w2": (8, 8)}),
    "LoKr of a convolution": (CONVOLUTION, lokr, {"lokr_w1": (8, 8), "lokr_w2": (8, 4, 3, 3)}),
    "LoKr with ranks": (
        CONVOLUTION,
        lokr_with_ranks,
        {
            "lokr_w1_a": (8, RANK),
            "lokr_w1_b": (RANK, 8),
            "lokr_w2_a": (8, RANK),
            "lokr_w2_b": (RANK, 4 * 9),
        },
    ),
    "LoKr with a third tensor": (
        CONVOLUTION,
        lokr_with_third,
        {
            "lokr_w1": (8, 8),
            "lokr_w2_a": (RANK, 8),
            "lokr_w2_b": (RANK, 4),
            "lokr_t2": (RANK, RANK, 3, 3),
        },
    ),
    "DoRA": (LINEAR, dora, {**_PAIR, "dora_scale": (32, 1)}),
    "DoRA of a convolution": (
        CONVOLUTION,
        dora,
        {**_PAIR_OF_CONVOLUTION, "dora_scale": (64, 1, 1, 1)},
    ),
    "DoRA over inputs": (LINEAR, dora_over_inputs, {**_PAIR, "dora_scale": (1, 24)}),
    "DoRA of a convolution over inputs": (
        CONVOLUTION,
        dora_over_inputs,
        {**_PAIR_OF_CONVOLUTION, "dora_scale": (1, 32, 1, 1)},
    ),
    "whole difference": (CONVOLUTION, whole_difference, {"diff": (64, 32, 3, 3)}),
    "whole difference of one pixel": (POINTWISE, whole_difference, {"diff": (32, 32)}),
    "norm": (NORM, norm, {"w_norm": (32,)}),
    "(IA)³": (LINEAR, ia3, {"weight": (32, 1), "on_input": ()}),
    "(IA)³ of inputs": (LINEAR, ia3_of_inputs, {"weight": (1, 24), "on_input": ()}),
}


def of_module(name: str, tensors: Tensors) -> Tensors:
    prefix = kohya_name(NetworkModule(module(LINEAR).network, name))
    return {f"{prefix}.{role}": each for role, each in tensors.items()}


@pytest.mark.parametrize("form", FORMS)
def test_a_form_equals_its_formula(form: str, tmp_path: Path) -> None:
    import torch

    name, formula, shapes = FORMS[form]
    tensors = random_tensors(shapes, size=0.2)
    tensors["alpha"] = torch.tensor(ALPHA)
    if "on_input" in shapes:
        tensors["on_input"] = torch.tensor(shapes["weight"][0] == 1)
    record = written(tmp_path / "a.safetensors", of_module(name, tensors))
    plain = weights(pipeline())

    with merged_into(pipeline(), (record, SCALE)):
        merged = weights(pipeline())

    expected = formula(
        original(f"{name}.weight"), {role: each.double() for role, each in tensors.items()}
    )
    changed = f"unet.{name}.weight"
    assert float((merged[changed].double() - expected).abs().max()) < APART
    assert float((merged[changed] - plain[changed]).abs().max()) > 1e-3
    others = plain.keys() - {changed}
    assert all(torch.equal(merged[each], plain[each]) for each in others)


@pytest.mark.parametrize(
    ("name", "role", "factor"),
    [(CONVOLUTION, "diff_b", 1.0), (NORM, "b_norm", 1.0), (CONVOLUTION, "lora_B.bias", ALPHA / 4)],
)
def test_a_bias_is_changed(name: str, role: str, factor: float, tmp_path: Path) -> None:
    import torch

    bias = original(f"{name}.bias")
    tensors = random_tensors({role: tuple(bias.shape)})
    if role == "lora_B.bias":
        tensors |= random_tensors({"lora_A.weight": (4, 32, 3, 3), "lora_B.weight": (64, 4, 1, 1)})
        tensors["alpha"] = torch.tensor(ALPHA)
    record = written(tmp_path / "a.safetensors", of_module(name, tensors))

    with merged_into(pipeline(), (record, SCALE)):
        merged = weights(pipeline())

    expected = bias + SCALE * factor * tensors[role].double()
    assert float((merged[f"unet.{name}.bias"].double() - expected).abs().max()) < APART


def test_each_module_has_an_alpha_and_a_rank_of_its_own(tmp_path: Path) -> None:
    import torch

    changed = changeable(pipeline())
    tensors: Tensors = {}
    for number, each in enumerate(changed):
        rank, weight = 1 + number % 5, each.weight
        assert weight is not None
        name = kohya_name(each)
        tensors |= random_tensors(
            {
                f"{name}.lora_down.weight": (rank, *weight[1:]),
                f"{name}.lora_up.weight": (weight[0], rank, *(1,) * (len(weight) - 2)),
            },
            seed=number,
        )
        tensors[f"{name}.alpha"] = torch.tensor(0.5 + number % 3)
    record = written(tmp_path / "a.safetensors", tensors)
    plain = weights(pipeline())

    with merged_into(pipeline(), (record, SCALE)):
        merged = weights(pipeline())

    assert len(changed) > 50
    for each in changed:
        name = kohya_name(each)
        up, down = (tensors[f"{name}.lora_{side}.weight"].double() for side in ("up", "down"))
        own = float(tensors[f"{name}.alpha"]) / len(down)
        key = next(key for key in plain if key.endswith(f"{each.name}.weight"))
        weight = plain[key].double()
        expected = weight + SCALE * own * (up.flatten(1) @ down.flatten(1)).reshape(weight.shape)
        assert float((merged[key].double() - expected).abs().max()) < APART


def test_several_files_add_up_and_a_scale_of_zero_changes_nothing(tmp_path: Path) -> None:
    import torch

    pairs = [of_module(LINEAR, random_tensors(_PAIR, seed=seed)) for seed in (1, 2, 3)]
    records = [written(tmp_path / f"{n}.safetensors", each) for n, each in enumerate(pairs)]
    scales = (0.5, -2.0, 0.0)

    with merged_into(pipeline(), *zip(records, scales, strict=True)):
        merged = weights(pipeline())
    with merged_into(pipeline(), (records[2], 0.0)):
        untouched = pipeline().unet.get_parameter(f"{LINEAR}.weight").detach().clone()

    expected = original(f"{LINEAR}.weight")
    assert torch.equal(untouched.double(), expected)
    for pair, scale in zip(pairs, scales, strict=True):
        up, down = (
            next(each.double() for key, each in pair.items() if f"lora_{side}" in key)
            for side in ("up", "down")
        )
        expected = expected + scale * up @ down
    assert float((merged[f"unet.{LINEAR}.weight"].double() - expected).abs().max()) < APART


@pytest.mark.parametrize("precision", ["float16", "bfloat16"])
def test_a_sum_in_half_precision_is_rounded_once(precision: str, tmp_path: Path) -> None:
    import torch

    dtype = getattr(torch, precision)
    narrow = tiny_sd_1()
    narrow.unet.to(dtype=dtype, memory_format=torch.channels_last)
    tensors = random_tensors(_PAIR_OF_CONVOLUTION, size=0.3)
    halves = {role: each.to(dtype) for role, each in tensors.items()}
    records = [
        written(tmp_path / f"{n}.safetensors", of_module(CONVOLUTION, halves)) for n in range(2)
    ]
    weight = narrow.unet.get_parameter(f"{CONVOLUTION}.weight")
    plain, strides = weight.detach().double(), weight.stride()

    with merged_into(narrow, (records[0], 0.3), (records[1], 0.3)):
        merged, merged_strides = weight.detach().clone(), weight.stride()

    up, down = (halves[f"lora_{side}.weight"].double().flatten(1) for side in ("up", "down"))
    expected = plain + 0.6 * (up @ down).reshape(plain.shape)
    assert merged_strides == strides
    # A few sums in float32 lie on the other side of the middle between two numbers.
    assert (merged == expected.to(dtype)).double().mean() > 0.999
