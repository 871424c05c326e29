"""Layers of ComfyUI in codes become the numbers of the formulas, in float64."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from adapters.diffusion.loading.quantised import scaled as scaled_layers
from adapters.diffusion.loading.weights import read_weights, tensor_facts
from domain.checkpoints.header_values import TensorFacts
from domain.errors import ModelNotLoadable
from tests.contract.loading.quantised.files import (
    E2M1,
    SCALED,
    Tensors,
    in_blocks,
    marker,
    record,
)

pytestmark = pytest.mark.torch

ROWS, COLUMNS = 130, 96
PRECISIONS = [torch.float32, torch.bfloat16, torch.float16]


def value_of_8_bits(code: int, exponent_bits: int) -> float:
    """Return the number of a code of E4M3 or E5M2 (OCP 8-bit Floating Point Specification)."""
    mantissa_bits = 7 - exponent_bits
    bias = 2 ** (exponent_bits - 1) - 1
    sign, exponent = (-1.0 if code & 128 else 1.0), (code >> mantissa_bits) % 2**exponent_bits
    mantissa = (code % 2**mantissa_bits) / 2**mantissa_bits
    if exponent_bits == 5 and exponent == 31:
        return float("nan") if mantissa else sign * float("inf")
    if exponent_bits == 4 and code & 127 == 127:
        return float("nan")
    if exponent == 0:
        return sign * mantissa * 2.0 ** (1 - bias)
    return sign * (1 + mantissa) * 2.0 ** (exponent - bias)


def table_of(exponent_bits: int) -> np.ndarray:
    return np.array([value_of_8_bits(code, exponent_bits) for code in range(256)])


def random_codes(*shape: int, most: int = 256) -> np.ndarray:
    return np.random.default_rng(7).integers(0, most, shape, dtype=np.uint8)


def finite_codes(*shape: int, exponent_bits: int = 4) -> np.ndarray:
    codes = random_codes(*shape)
    return np.where(np.isfinite(table_of(exponent_bits)[codes]), codes, 0).astype(np.uint8)


def write(folder: Path, tensors: Tensors) -> Path:
    path = folder / "a.safetensors"
    save_file({name: each.contiguous() for name, each in tensors.items()}, path)
    return path


def as_float8(codes: np.ndarray, dtype: torch.dtype) -> torch.Tensor:
    return torch.from_numpy(codes).view(dtype)


def check(folder: Path, tensors: Tensors, wanted: np.ndarray, *, steps: float = 1) -> None:
    """Compare a layer `a` with numbers in float64: float32 within a few roundings of each."""
    path = write(folder, {**tensors, "other": torch.ones(3)})
    for dtype in PRECISIONS:
        weights = read_weights(record(path), dtype=dtype)
        assert set(weights) == {"a.weight", "other"}
        made = weights["a.weight"]
        assert made.dtype == dtype
        assert tensor_facts(weights)["a.weight"] == TensorFacts(
            str(dtype).removeprefix("torch."), wanted.shape
        )
        whole = read_weights(record(path), dtype=torch.float32)["a.weight"]
        assert torch.equal(made, whole.to(dtype))  # rounded once
    np.testing.assert_allclose(
        whole.double().numpy(), wanted, rtol=steps * 2.0**-23, atol=steps * 2.0**-140
    )


@pytest.mark.parametrize(("dtype", "bits"), [(torch.float8_e4m3fn, 4), (torch.float8_e5m2, 5)])
@pytest.mark.parametrize("form", ["plain", "old", "new", "rows", "convolution"])
def test_each_code_of_8_bits(tmp_path: Path, dtype: torch.dtype, bits: int, form: str) -> None:
    codes: Any = finite_codes(ROWS, COLUMNS, exponent_bits=bits)
    wanted = table_of(bits)[codes]
    if form == "convolution":
        codes, wanted = codes.reshape(ROWS, 24, 2, 2), wanted.reshape(ROWS, 24, 2, 2)
    sides = {"rows": (ROWS, 1), "convolution": (ROWS, 1, 1, 1)}.get(form, (1,))
    scale = np.random.default_rng(3).uniform(1e-4, 3, sides).astype(np.float32)
    tensors = {"a.weight": as_float8(codes, dtype)}
    if form == "old":
        tensors["a.scale_weight"] = torch.from_numpy(scale)
        tensors["scaled_fp8"] = torch.zeros(0, dtype=dtype)
    elif form != "plain":
        tensors["a.weight_scale"] = torch.from_numpy(scale)
        tensors["a.comfy_quant"] = marker(format=str(dtype).removeprefix("torch."))
    check(tmp_path, tensors, wanted if form == "plain" else wanted * scale.astype(np.float64))


@pytest.mark.parametrize("bits", [4, 5])
def test_nan_and_infinity_stay(tmp_path: Path, bits: int) -> None:
    dtype = torch.float8_e4m3fn if bits == 4 else torch.float8_e5m2
    codes: Any = np.arange(256, dtype=np.uint8).reshape(8, 32)
    path = write(tmp_path, {"a.weight": as_float8(codes, dtype)})
    made = read_weights(record(path), dtype=torch.bfloat16)["a.weight"]
    np.testing.assert_array_equal(made.double().numpy(), table_of(bits)[codes])


@pytest.mark.parametrize("kind", [torch.uint8, torch.float8_e8m0fnu])
def test_mxfp8(tmp_path: Path, kind: torch.dtype) -> None:
    codes = finite_codes(ROWS, COLUMNS)
    exponents = np.random.default_rng(5).integers(90, 140, (ROWS, COLUMNS // 32), dtype=np.uint8)
    wanted = (
        table_of(4)[codes].reshape(ROWS, -1, 32)
        * 2.0 ** (exponents.astype(np.float64) - 127)[..., None]
    )
    tensors = {
        "a.weight": as_float8(codes, torch.float8_e4m3fn),
        "a.weight_scale": in_blocks(exponents).view(kind),
        "a.comfy_quant": marker(format="mxfp8"),
    }
    check(tmp_path, tensors, wanted.reshape(ROWS, COLUMNS))


@pytest.mark.parametrize("kind", [torch.uint8, torch.float8_e4m3fn])
@pytest.mark.parametrize("has_factor", [False, True])
def test_nvfp4(tmp_path: Path, kind: torch.dtype, has_factor: bool) -> None:
    codes = random_codes(ROWS, COLUMNS, most=16)
    scales = finite_codes(ROWS, COLUMNS // 16) & 127
    signed = np.array([*E2M1, *(-size for size in E2M1)])
    whole = 0.0123
    wanted = signed[codes].reshape(ROWS, -1, 16) * table_of(4)[scales][..., None]
    wanted = wanted.reshape(ROWS, COLUMNS) * float(np.float32(whole))
    tensors = {
        "a.weight": torch.from_numpy(codes[:, ::2] * 16 + codes[:, 1::2]),
        "a.weight_scale": in_blocks(scales).view(kind),
        "a.weight_scale_2": torch.tensor(whole),
        "a.comfy_quant": marker(format="nvfp4"),
        "a.input_scale": torch.tensor(0.5),
    }
    if has_factor:
        factor = np.random.default_rng(2).uniform(0.1, 9, COLUMNS).astype(np.float32)
        tensors["a.pre_quant_scale"] = torch.from_numpy(factor)
        wanted = wanted * factor.astype(np.float64)
    check(tmp_path, tensors, wanted, steps=3)


@pytest.mark.parametrize("sides", [(), (1,), (ROWS,), (ROWS, 1)])
@pytest.mark.parametrize("group", [0, 4, 16])
def test_int8(tmp_path: Path, sides: tuple[int, ...], group: int) -> None:
    codes: Any = random_codes(ROWS, COLUMNS).astype(np.int8)
    scale = np.random.default_rng(3).uniform(1e-4, 1e-2, sides).astype(np.float32)
    by_rows = np.asarray(scale, dtype=np.float64).reshape(-1, 1)
    numbers = codes.astype(np.float64) * by_rows
    told: dict[str, Any] = {"format": "int8_tensorwise"}
    if group:
        small = np.ones((4, 4)) - 2 * np.eye(4)[::-1]
        matrix = small if group == 4 else np.kron(small, small)
        numbers = numbers.reshape(-1, group) @ (matrix / group**0.5).T
        told |= {"convrot": True, "convrot_groupsize": group}
    tensors = {
        "a.weight": torch.from_numpy(codes),
        "a.weight_scale": torch.from_numpy(np.asarray(scale)),
        "a.comfy_quant": marker(**told),
    }
    path = write(tmp_path, tensors)
    made = read_weights(record(path), dtype=torch.float32)["a.weight"].double().numpy()
    most = np.abs(numbers).max()
    np.testing.assert_allclose(made, numbers.reshape(ROWS, COLUMNS), rtol=0, atol=most * 2.0**-21)


@pytest.mark.parametrize("form", SCALED)
def test_pieces_make_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    make, _ = SCALED[form]
    path = write(tmp_path, make("a", torch.randn(300, 64)))
    ticks: list[int] = []
    whole = read_weights(record(path))["a.weight"]
    monkeypatch.setattr(scaled_layers, "_NUMBERS_AT_ONCE", 64)
    pieces = read_weights(record(path), tick=lambda: ticks.append(1))["a.weight"]
    assert torch.equal(pieces, whole)
    assert len(ticks) == 3  # tiles of 128 rows


@pytest.mark.parametrize("form", SCALED)
@pytest.mark.parametrize("dtype", PRECISIONS)
def test_codes_are_near_the_weight_that_they_were_made_of(
    tmp_path: Path, form: str, dtype: torch.dtype
) -> None:
    make, _ = SCALED[form]
    weight = torch.randn(64, 64) * 0.02
    made = read_weights(record(write(tmp_path, make("a", weight))), dtype=dtype)["a.weight"]
    error = (made.float() - weight).abs().mean() / weight.abs().mean()
    assert error < {"nvfp4": 0.12, "old e5m2": 0.07, "e5m2 of rows": 0.07}.get(form, 0.04)


def broken(change: Callable[[Tensors], object]) -> Tensors:
    tensors = SCALED["e4m3"][0]("a", torch.randn(64, 64))
    change(tensors)
    return tensors


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.pop("a.weight_scale"),
        lambda t: t.update({"a.weight_scale": torch.ones(64)}),
        lambda t: t.update({"a.comfy_quant": marker(format="convrot_w4a4")}),
        lambda t: t.update({"a.weight": torch.randn(64, 64)}),
    ],
)
def test_what_listing_refuses_loading_refuses(tmp_path: Path, change: Any) -> None:
    path = write(tmp_path, broken(change))
    with pytest.raises(ModelNotLoadable) as caught:
        read_weights(record(path))
    assert caught.value.lasting
    assert "'a'" in caught.value.reason


def test_a_pickle_can_hold_the_old_form(tmp_path: Path) -> None:
    make, _ = SCALED["old e4m3"]
    tensors = make("a", torch.randn(64, 64))
    torch.save(tensors, tmp_path / "a.ckpt")
    of_pickle = read_weights(record(tmp_path / "a.ckpt"))
    assert torch.equal(
        of_pickle["a.weight"], read_weights(record(write(tmp_path, tensors)))["a.weight"]
    )
    assert set(of_pickle) == {"a.weight"}
