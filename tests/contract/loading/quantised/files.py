"""Quantised files for tests, and what they hold by the formulas, in float64."""

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from domain.models.record import ModelRecord
from tests.unit.checkpoints.quantised.gguf_files import entry, gguf_file, list_of

__all__ = [
    "GGML_NUMBERS",
    "SCALED",
    "Tensors",
    "gguf_checkpoint",
    "in_blocks",
    "marker",
    "record",
    "scaled",
]

Tensors = dict[str, torch.Tensor]

E2M1 = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0)
GGML_NUMBERS = {
    **{"F32": 0, "F16": 1, "Q4_0": 2, "Q4_1": 3, "Q5_0": 6, "Q5_1": 7, "Q8_0": 8, "Q2_K": 10},
    **{"Q3_K": 11, "Q4_K": 12, "Q5_K": 13, "Q6_K": 14, "IQ4_NL": 20, "IQ4_XS": 23, "BF16": 30},
}


def record(path: Path) -> ModelRecord:
    """Return the record of a file. Its id is that of its path, so two files have two pipelines."""
    digest = hashlib.sha256(str(path).encode()).hexdigest()
    return ModelRecord(digest, path.name, path.stat().st_size, str(path), path.suffix)


def marker(**options: Any) -> torch.Tensor:
    """Return the tensor `comfy_quant` of a layer."""
    return torch.tensor(list(json.dumps(options).encode()), dtype=torch.uint8)


def in_blocks(scales: np.ndarray) -> torch.Tensor:
    """Return scales of blocks in cuBLAS' order: each at the place that its documentation gives."""
    rows, columns = scales.shape
    tall, wide = -(-rows // 128) * 128, -(-columns // 4) * 4
    out = np.zeros(tall * wide, dtype=np.uint8)
    for row in range(rows):
        for column in range(columns):
            tile = (row // 128) * (wide // 4) + column // 4
            place = tile * 512 + (row % 32) * 16 + (row % 128) // 32 * 4 + column % 4
            out[place] = scales[row, column]
    return torch.from_numpy(out.reshape(tall, wide))


def _float8(layer: str, weight: torch.Tensor, dtype: torch.dtype, rows: bool) -> Tensors:
    most = weight.abs().amax(1, keepdim=True) if rows else weight.abs().amax()
    scale = (most / torch.finfo(dtype).max).clamp(min=1e-12)
    return {
        f"{layer}.weight": (weight / scale).to(dtype),
        f"{layer}.weight_scale": scale,
        f"{layer}.input_scale": torch.tensor(0.37),
        f"{layer}.comfy_quant": marker(
            format=str(dtype).removeprefix("torch."), full_precision_matrix_mult=True
        ),
    }


def _old(layer: str, weight: torch.Tensor, dtype: torch.dtype) -> Tensors:
    scale = weight.abs().amax() / torch.finfo(dtype).max
    return {
        f"{layer}.weight": (weight / scale).to(dtype),
        f"{layer}.scale_weight": scale.reshape(1),
        f"{layer}.scale_input": torch.tensor([0.37]),
    }


def _int8(layer: str, weight: torch.Tensor, group: int) -> Tensors:
    told: dict[str, Any] = {"format": "int8_tensorwise"}
    if group:
        told |= {"convrot": True, "convrot_groupsize": group}
        small = torch.tensor(
            [[1.0, 1, 1, -1], [1, 1, -1, 1], [1, -1, 1, 1], [-1, 1, 1, 1]], dtype=torch.float64
        )
        turned = small
        while len(turned) < group:
            turned = torch.kron(turned, small)
        shape = weight.shape
        weight = (weight.double().reshape(-1, group) @ (turned / group**0.5)).reshape(shape).float()
    scale = weight.abs().amax(1, keepdim=True).clamp(min=1e-12) / 127
    return {
        f"{layer}.weight": (weight / scale).round().to(torch.int8),
        f"{layer}.weight_scale": scale,
        f"{layer}.comfy_quant": marker(**told),
    }


def _mxfp8(layer: str, weight: torch.Tensor) -> Tensors:
    blocks = weight.reshape(len(weight), -1, 32)
    exponents = torch.ceil(torch.log2(blocks.abs().amax(-1).clamp(min=1e-30) / 448)) + 127
    codes = blocks / torch.exp2(exponents - 127)[..., None]
    return {
        f"{layer}.weight": codes.reshape(weight.shape).to(torch.float8_e4m3fn),
        f"{layer}.weight_scale": in_blocks(exponents.numpy().astype(np.uint8)),
        f"{layer}.comfy_quant": marker(format="mxfp8"),
    }


def _nvfp4(layer: str, weight: torch.Tensor) -> Tensors:
    blocks = weight.reshape(len(weight), -1, 16)
    whole = weight.abs().amax() / (448 * 6)
    scales = (blocks.abs().amax(-1) / 6 / whole).to(torch.float8_e4m3fn)
    steps = torch.tensor(E2M1)
    sizes = blocks.abs() / (whole * scales.float()).clamp(min=1e-30)[..., None]
    codes = (sizes[..., None] - steps).abs().argmin(-1) + 8 * (blocks < 0)
    pairs = codes.reshape(len(weight), -1, 2)
    return {
        f"{layer}.weight": (pairs[..., 0] * 16 + pairs[..., 1]).to(torch.uint8),
        f"{layer}.weight_scale": in_blocks(scales.view(torch.uint8).numpy()),
        f"{layer}.weight_scale_2": whole,
        f"{layer}.comfy_quant": marker(format="nvfp4"),
    }


Scale = Callable[[str, torch.Tensor], Tensors]
_E4M3, _E5M2 = torch.float8_e4m3fn, torch.float8_e5m2
SCALED: Mapping[str, tuple[Scale, str]] = {
    "old e4m3": (lambda layer, w: _old(layer, w, _E4M3), "float8_e4m3fn scaled"),
    "old e5m2": (lambda layer, w: _old(layer, w, _E5M2), "float8_e5m2 scaled"),
    "e4m3": (lambda layer, w: _float8(layer, w, _E4M3, rows=False), "float8_e4m3fn scaled"),
    "e5m2 of rows": (lambda layer, w: _float8(layer, w, _E5M2, rows=True), "float8_e5m2 scaled"),
    "int8": (lambda layer, w: _int8(layer, w, 0), "int8"),
    "int8 rotated": (lambda layer, w: _int8(layer, w, 16), "int8 rotated"),
    "mxfp8": (_mxfp8, "mxfp8"),
    "nvfp4": (_nvfp4, "nvfp4"),
}
"""What makes the tensors of a layer from its weight, and the precision that listing shows."""


def scaled(form: str, tensors: Mapping[str, torch.Tensor]) -> Tensors:
    """Return a checkpoint whose linear layers with whole blocks are codes of a form."""
    make, _ = SCALED[form]
    found: Tensors = {}
    if form.startswith("old"):
        found["model.diffusion_model.scaled_fp8"] = torch.zeros(2, dtype=_E4M3)
    for name, weight in tensors.items():
        is_layer = name.endswith(".weight") and weight.ndim == 2 and "embed" not in name
        if is_layer and weight.shape[1] % 32 == 0:
            found |= make(name.removesuffix(".weight"), weight.float())
        else:
            found[name] = weight
    return found


def gguf_checkpoint(
    tensors: Mapping[str, torch.Tensor], type_name: str, metadata: Mapping[str, str], block: int
) -> bytes:
    """Return a checkpoint as city96's tool and llama.cpp write it.

    Tensors of more than 512 numbers that make whole rows of 256 get such rows, and their own shape
    in the metadata. Others that do not make whole blocks stay in 16 bits.
    """
    import gguf

    kind = gguf.GGMLQuantizationType[type_name]
    stored: dict[str, tuple[tuple[int, ...], int, bytes]] = {}
    entries = [entry(key, value) for key, value in metadata.items()]
    for name, tensor in tensors.items():
        numbers = tensor.float().numpy()
        if numbers.ndim < 2:
            stored[name] = (numbers.shape, 0, numbers.tobytes())
            continue
        if numbers.size % 256 == 0 and numbers.shape[-1] % 256 and numbers.size >= 512:
            entries.append(entry(f"comfy.gguf.orig_shape.{name}", list_of(numbers.shape)))
            numbers = numbers.reshape(-1, 256)
        if numbers.shape[-1] % block or "embed" in name:
            stored[name] = (numbers.shape, 1, numbers.astype(np.float16).tobytes())
        else:
            data = gguf.quants.quantize(numbers, kind)
            stored[name] = (numbers.shape, GGML_NUMBERS[type_name], data.tobytes())
    return gguf_file(stored, entries)
