"""A set with quantised files draws what its numbers draw."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from domain.generation.request import GenerationRequest
from tests.contract.drawing.generating import generate, new_generator
from tests.contract.sets.tiny import listed, pipeline_of, stored_parts, write_parts

pytestmark = pytest.mark.torch

RequestFor = Callable[..., GenerationRequest]


def test_a_transformer_and_a_t5_of_gguf_draw_their_numbers(
    request_for: RequestFor, tmp_path: Path
) -> None:
    pytest.importorskip("gguf")
    pipeline = pipeline_of("flux-dev")
    paths = write_parts(pipeline, tmp_path / "gguf")
    for role, architecture in (("transformer", "flux"), ("text_encoder_2", "t5encoder")):
        weights = stored_parts(pipeline)[role]
        _write_gguf(weights, paths[role].with_suffix(".gguf"), architecture)
        paths[role].unlink()
    _check_equal(tmp_path, pipeline, request_for(num_inference_steps=1), "gguf")


def test_scaled_fp8_draws_its_numbers(request_for: RequestFor, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    pipeline = pipeline_of("flux-schnell")
    paths = write_parts(pipeline, tmp_path / "fp8")
    weights = stored_parts(pipeline)["transformer"]
    save_file(_scaled(weights), paths["transformer"])
    _check_equal(tmp_path, pipeline, request_for(num_inference_steps=1), "fp8")


def _check_equal(folder: Path, pipeline: Any, request: GenerationRequest, form: str) -> None:
    """Compare the pictures of a folder with those of the rounded numbers in plain files."""
    import numpy as np
    from safetensors.torch import save_file

    plain = write_parts(pipeline, folder / "plain")
    for role, weights in stored_parts(pipeline).items():
        if role in ("transformer", "text_encoder_2"):
            save_file(
                {name: _rounded(each, form, role) for name, each in weights.items()}, plain[role]
            )
    generator = new_generator(device="cpu", dtype="float32")
    pictures = []
    for place in (form, "plain"):
        (batch,) = generate(generator, listed(folder / place), [request]).images
        pictures.append(np.asarray(Image.open(io.BytesIO(batch[0].data)), dtype=float))
    assert np.abs(pictures[0] - pictures[1]).mean() <= 0.5
    assert pictures[0].std() > 5


def _is_rounded(weight: Any) -> bool:
    return weight.ndim == 2 and weight.shape[1] % 32 == 0


def _rounded(weight: Any, form: str, role: str) -> Any:
    import torch

    if not _is_rounded(weight):
        return weight
    if form == "fp8":
        return _codes(weight)[0].float() * _codes(weight)[1] if role == "transformer" else weight
    from gguf import GGMLQuantizationType, quants

    kind = GGMLQuantizationType.Q8_0
    return torch.from_numpy(quants.dequantize(quants.quantize(weight.numpy(), kind), kind))


def _codes(weight: Any) -> tuple[Any, Any]:
    import torch

    scale = weight.abs().max() / 448
    return (weight / scale).to(torch.float8_e4m3fn), scale


def _scaled(weights: dict[str, Any]) -> dict[str, Any]:
    """Return weights in ComfyUI's older form of scaled fp8."""
    import torch

    out = {"scaled_fp8": torch.zeros(2, dtype=torch.float8_e4m3fn)}
    for name, each in weights.items():
        if not _is_rounded(each):
            out[name] = each
            continue
        out[name], scale = _codes(each)
        out[name.replace(".weight", ".scale_weight")] = scale
    return out


_T5_NAMES = {
    "shared.weight": "token_embd.weight",
    "encoder.final_layer_norm.weight": "enc.output_norm.weight",
    "layer.0.SelfAttention.relative_attention_bias": "attn_rel_b",
    "layer.0.SelfAttention": "attn",
    "layer.0.layer_norm": "attn_norm",
    "layer.1.DenseReluDense.wi_0": "ffn_gate",
    "layer.1.DenseReluDense.wi_1": "ffn_up",
    "layer.1.DenseReluDense.wo": "ffn_down",
    "layer.1.layer_norm": "ffn_norm",
}
"""llama.cpp's names of T5 (`gguf-py/gguf/tensor_mapping.py`)."""


def _write_gguf(weights: dict[str, Any], path: Path, architecture: str) -> None:
    import gguf

    writer = gguf.GGUFWriter(path, architecture)
    for name, each in weights.items():
        own = _llama_name(name) if architecture == "t5encoder" else name
        numbers = each.contiguous().float().numpy()
        if _is_rounded(each):
            kind = gguf.GGMLQuantizationType.Q8_0
            writer.add_tensor(own, gguf.quants.quantize(numbers, kind), raw_dtype=kind)
        else:
            writer.add_tensor(own, numbers)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _llama_name(name: str) -> str:
    if name in _T5_NAMES:
        return _T5_NAMES[name]
    _, _, number, rest = name.split(".", 3)
    for start, own in _T5_NAMES.items():
        if rest.startswith(f"{start}."):
            end = rest.removeprefix(f"{start}.")
            return f"enc.blk.{number}.{own}{'_' if own == 'attn' else '.'}{end}"
    raise AssertionError(name)
