"""A file that is not quite the network of its role is refused, with the tensor's name."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from domain.errors import ModelNotLoadable
from tests.contract.sets.tiny import pipeline_of, record_of, write_parts

pytestmark = pytest.mark.torch

Weights = dict[str, Any]
Change = Callable[[Weights], None]


@pytest.fixture(scope="module")
def pipeline() -> Any:
    return pipeline_of("flux-schnell")


def _without(name: str) -> Change:
    def change(weights: Weights) -> None:
        del weights[name]

    return change


def _with(name: str, *shape: int) -> Change:
    def change(weights: Weights) -> None:
        import torch

        weights[name] = torch.zeros(shape)

    return change


def _cut(name: str) -> Change:
    def change(weights: Weights) -> None:
        weights[name] = weights[name][:-1].contiguous()

    return change


def _whole_numbers(name: str) -> Change:
    def change(weights: Weights) -> None:
        import torch

        weights[name] = weights[name].to(torch.int8)

    return change


@pytest.mark.parametrize(
    ("role", "change", "reason"),
    [
        ("transformer", _without("img_in.bias"), "lacks x_embedder.bias"),
        ("transformer", _without("img_in.weight"), "its tensor img_in.weight is missing"),
        ("transformer", _without("double_blocks.0.txt_attn.qkv.weight"), "lacks transformer_b"),
        ("transformer", _with("double_blocks.0.extra.weight", 2), "no transformer of its kind has"),
        ("transformer", _with("img_in.lora_A.weight", 4, 64), "no transformer of its kind has"),
        ("transformer", _cut("double_blocks.0.img_attn.qkv.weight"), "the shape"),
        ("transformer", _cut("single_blocks.0.linear1.bias"), "the shape"),
        ("transformer", _cut("final_layer.adaLN_modulation.1.bias"), "the shape"),
        ("transformer", _whole_numbers("txt_in.weight"), "holds int8"),
        ("transformer", _with("img_in.weight", 128, 384), "FLUX.1 Fill, Canny and Depth"),
        ("transformer", _with("nerf_blocks.0.norm.scale", 64), "Chroma Radiance"),
        ("text_encoder", _without("text_model.final_layer_norm.bias"), "lacks final_layer_norm.b"),
        ("text_encoder", _with("text_model.encoder.layers.5.mlp.fc1.bias", 128), "3 layers"),
        ("text_encoder_2", _without("encoder.final_layer_norm.weight"), "lacks encoder.final_lay"),
        ("text_encoder_2", _with("shared.weight", 250112, 128), "vocabulary has 250112 tokens"),
        ("text_encoder_2", _with("encoder.embed_tokens.weight", 32128, 128), "must be the same"),
        ("vae", _without("decoder.conv_out.bias"), "lacks decoder.conv_out.bias"),
        ("vae", _with("decoder.surprise.weight", 2), "holds tensors that no autoencoder"),
    ],
)
def test_a_file_with_a_fault_is_refused_with_its_name(
    pipeline: Any, tmp_path: Path, role: str, change: Change, reason: str
) -> None:
    from safetensors.torch import load_file, save_file

    from adapters.diffusion.devices.device import find_device
    from adapters.diffusion.loading.loader import load_pipeline

    paths = write_parts(pipeline, tmp_path)
    weights = load_file(paths[role])
    change(weights)
    save_file(weights, paths[role])
    with pytest.raises(ModelNotLoadable) as refused:
        load_pipeline(record_of("flux-schnell", paths), find_device("cpu", "float32"))
    assert reason in str(refused.value)
    assert paths[role].name in str(refused.value)


@pytest.mark.parametrize(
    "extra", ["decoder.block.0.layer.0.SelfAttention.q.weight", "lm_head.weight", "logit_scale"]
)
def test_what_t5_has_beside_its_encoder_changes_nothing(
    pipeline: Any, tmp_path: Path, extra: str
) -> None:
    from safetensors.torch import load_file, save_file

    from adapters.diffusion.devices.device import find_device
    from adapters.diffusion.loading.loader import load_pipeline

    paths = write_parts(pipeline, tmp_path)
    weights = load_file(paths["text_encoder_2"])
    _with(extra, 2)(weights)
    weights["encoder.embed_tokens.weight"] = weights["shared.weight"].clone()
    save_file(weights, paths["text_encoder_2"])
    loaded = load_pipeline(record_of("flux-schnell", paths), find_device("cpu", "float32"))
    assert loaded.text_encoder_2.encoder.embed_tokens.weight is loaded.text_encoder_2.shared.weight
