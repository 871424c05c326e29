"""Tensors that loading would skip: harmless, quantised, or a reason to refuse the file."""

import io
import json

import pytest

from adapters.filesystem.headers.reading import TensorFacts, UnreadableHeader, read_header
from adapters.filesystem.headers.safetensors import read_safetensors_header
from domain.checkpoints.unused import PARTS, part_of
from domain.models.record import ModelFamily
from tests.paths import ROOT
from tests.unit.classification.classification_headers import CLIP, UNET, VAE, checkpoint, classified

FAMILIES = [
    ModelFamily.SD_1,
    ModelFamily.SD_1_INPAINT,
    ModelFamily.SD_2,
    ModelFamily.SD_2_V,
    ModelFamily.SDXL,
]
DEMO = ROOT / "ai-models" / "demo.safetensors"
LAYER = f"{UNET}input_blocks.1.0.in_layers.2"
SCALE = TensorFacts("float32", ())
CODES = TensorFacts("uint8", (1474560, 1))

XL = "conditioner.embedders."
HARMLESS = {
    ModelFamily.SD_1: (
        f"{CLIP}embeddings.position_ids",
        "cond_stage_model.logit_scale",
        "cond_stage_model.text_projection",
        "cond_stage_model.transformer.text_projection.weight",
        "cond_stage_model.transformer.vision_model.embeddings.class_embedding",
        "first_stage_model.loss.logvar",
        "first_stage_model.model_ema.decay",
    ),
    ModelFamily.SD_2: (
        "cond_stage_model.model.logit_scale",
        "cond_stage_model.model.text_projection",
        "cond_stage_model.model.attn_mask",
        "cond_stage_model.model.transformer.resblocks.23.mlp.c_fc.weight",
        "cond_stage_model.model.visual.proj",
    ),
    ModelFamily.SDXL: (
        f"{XL}0.transformer.text_model.embeddings.position_ids",
        f"{XL}1.model.transformer.text_model.embeddings.position_ids",
        f"{XL}0.logit_scale",
        f"{XL}0.text_projection",
        f"{XL}0.transformer.text_projection.weight",
        f"{XL}1.model.logit_scale",
        f"{XL}1.model.attn_mask",
    ),
}
OUTSIDE = (
    "model_ema.decay",
    "model_ema.diffusion_modelinput_blocks00weight",
    "alphas_cumprod",
    "betas",
    "denoiser.sigmas",
    "v_pred",
    "ztsnr",
    "optimizer_states.0.state.0.exp_avg",
    "embedding_manager.embedder.weight",
)


@pytest.mark.parametrize("family", FAMILIES)
def test_tensors_outside_the_networks_do_not_matter(family: ModelFamily) -> None:
    tensors = checkpoint(family) | dict.fromkeys(OUTSIDE, SCALE)
    assert classified(tensors).reason is None


@pytest.mark.parametrize(
    ("family", "name"), [(family, name) for family, names in HARMLESS.items() for name in names]
)
def test_tensors_that_change_no_picture_do_not_matter(family: ModelFamily, name: str) -> None:
    assert classified(checkpoint(family) | {name: SCALE}).reason is None


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    "rest",
    [
        "anything",
        "input_blocks.1.1.transformer_blocks.0.attn2.to_k_ip.weight",
        "encoder.layers.0.self_attn.q_proj.lora.weight",
        "output_blocks.99.0.in_layers.0.weight",
    ],
)
@pytest.mark.parametrize("prefix", PARTS)
def test_an_unexpected_tensor_of_a_network_is_named(
    family: ModelFamily, rest: str, prefix: str
) -> None:
    told = classified(checkpoint(family) | {prefix + rest: SCALE})
    assert not told.loadable
    assert told.reason is not None
    assert f"its {PARTS[prefix]} holds tensors that no {PARTS[prefix]}" in told.reason
    assert prefix + rest in told.reason


def test_the_first_three_of_many_unexpected_tensors_are_named() -> None:
    names = [f"{VAE}extra.{number}" for number in range(5)]
    reason = classified(checkpoint(ModelFamily.SD_1) | dict.fromkeys(names, SCALE)).reason
    assert reason is not None
    assert f"({', '.join(names[:3])} and 2 more)" in reason


QUANTISED = {
    "weight_scale": "ComfyUI's scaled numbers",
    "input_scale": "ComfyUI's scaled numbers",
    "comfy_quant": "ComfyUI's scaled numbers",
    "weight_scale_2": "nvfp4",
    "scale_weight": "scaled 8-bit numbers (fp8)",
    "scale_input": "scaled 8-bit numbers (fp8)",
    "weight.absmax": "bitsandbytes' 4 or 8 bits",
    "weight.quant_map": "bitsandbytes' 4 or 8 bits",
    "weight.nested_absmax": "bitsandbytes' 4 or 8 bits",
    "weight.quant_state.bitsandbytes__nf4": "bitsandbytes' 4 or 8 bits",
    "weight.quant_state.bitsandbytes__fp4": "bitsandbytes' 4 or 8 bits",
    "SCB": "bitsandbytes' 8 bits",
    "qweight": "GPTQ",
    "wscales": "nunchaku",
    "weight._data": "optimum-quanto",
}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("suffix", QUANTISED)
def test_quantised_weights_are_recognised_by_their_extra_tensors(
    family: ModelFamily, suffix: str
) -> None:
    told = classified(checkpoint(family) | {f"{LAYER}.{suffix}": SCALE})
    assert told.reason is not None
    assert told.reason.startswith("its weights are quantised: ")
    assert QUANTISED[suffix] in told.reason
    assert f"{LAYER}.{suffix}" in told.reason
    assert told.reason.endswith("; get the model in 16 or 32 bits")


@pytest.mark.parametrize("name", ["scaled_fp8", f"{UNET}scaled_fp8"])
def test_the_older_marker_of_scaled_numbers_is_known(name: str) -> None:
    reason = classified(checkpoint(ModelFamily.SDXL) | {name: SCALE}).reason
    assert reason is not None
    assert "scaled 8-bit numbers (fp8)" in reason


def test_metadata_alone_can_declare_weights_quantised() -> None:
    told = {"_quantization_metadata": '{"layers": {}}'}
    reason = classified(checkpoint(ModelFamily.SDXL), told).reason
    assert reason is not None
    assert "its weights are quantised" in reason


@pytest.mark.parametrize("dtype", ["uint8", "int8", "float4_e2m1"])
def test_the_type_of_a_weight_can_show_quantisation_before_its_shape(dtype: str) -> None:
    codes = {f"{UNET}input_blocks.1.1.proj_in.weight": TensorFacts(dtype, (51200, 1))}
    reason = classified(checkpoint(ModelFamily.SD_1) | codes).reason
    assert reason is not None
    assert f"codes of the type {dtype}" in reason


@pytest.mark.parametrize("dtype", ["float8_e4m3fn", "float8_e5m2", "bfloat16", "float32"])
def test_plain_numbers_of_any_precision_are_not_quantised(dtype: str) -> None:
    assert classified(checkpoint(ModelFamily.SD_1, dtype)).reason is None


def test_a_quantised_network_of_an_unknown_family_is_reported_as_quantised() -> None:
    tensors = {
        f"{UNET}input_blocks.0.0.weight": CODES,
        f"{UNET}input_blocks.0.0.weight.absmax": SCALE,
    }
    reason = classified(tensors).reason
    assert reason is not None
    assert "its weights are quantised" in reason


def test_gguf_is_named() -> None:
    for extension in (".safetensors", ".ckpt"):
        with pytest.raises(UnreadableHeader, match="GGUF"):
            read_header(io.BytesIO(b"GGUF\3\0\0\0" + bytes(100)), 108, extension)


def demo() -> tuple[dict[str, TensorFacts], dict[str, str]]:
    with DEMO.open("rb") as file:
        header = read_safetensors_header(file, DEMO.stat().st_size)
    return dict(header.tensors), dict(header.metadata)


def test_a_checkpoint_with_its_own_configuration_has_no_unexpected_tensor() -> None:
    tensors, metadata = demo()
    assert json.loads(metadata["model_index.json"])
    assert {part_of(name) for name in tensors} >= set(PARTS.values())
    assert classified(tensors, metadata).reason is None


@pytest.mark.parametrize("prefix", PARTS)
@pytest.mark.parametrize("rest", ["extra", "middle_block.1.motion.weight", "mid.attn_1.ip.weight"])
def test_a_checkpoint_with_its_own_configuration_is_refused_for_a_name_of_another_form(
    prefix: str, rest: str
) -> None:
    tensors, metadata = demo()
    reason = classified(tensors | {prefix + rest: SCALE}, metadata).reason
    assert reason is not None
    assert prefix + rest in reason


@pytest.mark.parametrize("suffix", ["weight_scale", "comfy_quant", "weight.absmax"])
def test_a_checkpoint_with_its_own_configuration_is_refused_if_quantised(suffix: str) -> None:
    tensors, metadata = demo()
    reason = classified(tensors | {f"{LAYER}.{suffix}": SCALE}, metadata).reason
    assert reason is not None
    assert "its weights are quantised" in reason
