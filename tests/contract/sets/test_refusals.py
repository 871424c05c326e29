"""A file that is not quite the network of its role is refused, with the tensor's name."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from domain.checkpoints.sets.networks.autoencoders.autoencoder import FLUX_LATENTS, autoencoder_of
from domain.checkpoints.sets.networks.encoders.clip import clip_layout
from domain.checkpoints.sets.networks.encoders.t5 import t5_layout
from domain.checkpoints.sets.networks.flux import flux_layout
from domain.errors import ModelNotLoadable
from tests.contract.sets.tiny import listed, pipeline_of, stored_parts, write_parts

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
    pipeline: Any, role: str, change: Change, reason: str
) -> None:
    weights = stored_parts(pipeline)[role]
    change(weights)
    with pytest.raises(ModelNotLoadable) as refused:
        _network(role, weights)
    assert reason in str(refused.value)
    assert f"{role}.safetensors" in str(refused.value)


@pytest.mark.parametrize(
    "extra", ["decoder.block.0.layer.0.SelfAttention.q.weight", "lm_head.weight", "logit_scale"]
)
def test_what_t5_has_beside_its_encoder_changes_nothing(pipeline: Any, extra: str) -> None:
    weights = stored_parts(pipeline)["text_encoder_2"]
    _with(extra, 2)(weights)
    weights["encoder.embed_tokens.weight"] = weights["shared.weight"].clone()
    loaded = _network("text_encoder_2", weights)
    assert loaded.encoder.embed_tokens.weight is loaded.shared.weight


@pytest.mark.parametrize(
    ("role", "change", "reason"),
    [
        ("transformer", _without("img_in.weight"), "it holds no transformer that fits"),
        ("transformer", _with("img_in.weight", 128, 384), "it is FLUX.1 Fill"),
        ("text_encoder_2", _with("shared.weight", 32128, 64), "it holds no text_encoder_2 that"),
        ("vae", _with("decoder.conv_in.weight", 32, 4, 3, 3), "it holds no vae that fits"),
    ],
)
def test_a_file_that_changed_its_role_is_refused(
    pipeline: Any, tmp_path: Path, role: str, change: Change, reason: str
) -> None:
    from safetensors.torch import load_file, save_file

    from adapters.diffusion.devices.device import find_device
    from adapters.diffusion.loading.loader import load_pipeline

    paths = write_parts(pipeline, tmp_path)
    record = listed(tmp_path)
    weights = load_file(paths[role])
    change(weights)
    save_file(weights, paths[role])
    members = tuple(dataclasses.replace(each, stamp=None) for each in record.members)
    with pytest.raises(ModelNotLoadable, match=reason):
        load_pipeline(dataclasses.replace(record, members=members), find_device("cpu", "float32"))


def _network(role: str, weights: Weights) -> Any:
    """Return the network of a role of FLUX.1 from the tensors of a file."""
    from diffusers import AutoencoderKL, FluxTransformer2DModel
    from transformers import CLIPTextModel, T5EncoderModel

    from adapters.diffusion.devices.device import find_device
    from adapters.diffusion.loading.sets.parts import Parts
    from adapters.diffusion.loading.sets.stored import Stored
    from adapters.diffusion.loading.weights import tensor_facts

    kinds = {
        "transformer": (FluxTransformer2DModel, flux_layout),
        "text_encoder": (CLIPTextModel, clip_layout("quick_gelu")),
        "text_encoder_2": (T5EncoderModel, t5_layout),
        "vae": (AutoencoderKL, autoencoder_of(FLUX_LATENTS)),
    }
    stored = Stored.of(f"{role}.safetensors", weights, tensor_facts(weights))
    parts = Parts({role: lambda: stored}, find_device("cpu", "float32"), lambda: None)
    return parts.network(role, *kinds[role])
