"""What a file is, from its tensors' names and shapes alone."""

import json
from collections.abc import Mapping

import pytest

from adapters.filesystem.classification import Classification, classify
from adapters.filesystem.classification_layouts import checkpoint_parts
from adapters.filesystem.headers import Header, TensorFacts
from domain.models import ModelFamily, ModelKind

UNET, VAE = "model.diffusion_model.", "first_stage_model."
CLIP = "cond_stage_model.transformer.text_model."
EMBEDDED = {
    "model_index.json": json.dumps({"_class_name": "StableDiffusionPipeline"}),
    "unet/config.json": "{}",
    "vae/config.json": "{}",
    "text_encoder/config.json": "{}",
    "scheduler/scheduler_config.json": "{}",
    "tokenizer/vocab.json": "{}",
    "tokenizer/merges.txt": "",
    "tokenizer/tokenizer_config.json": "{}",
}
LOADABLE = (ModelFamily.SD_1, ModelFamily.SD_1_INPAINT, ModelFamily.SD_2_V, ModelFamily.SDXL)


def facts(shapes: Mapping[str, tuple[int, ...]], dtype: str = "float16") -> dict[str, TensorFacts]:
    return {name: TensorFacts(dtype, shape) for name, shape in shapes.items()}


def checkpoint(family: ModelFamily, dtype: str = "float16") -> dict[str, TensorFacts]:
    """All the tensors of a published checkpoint, and some of what real files have besides."""
    tensors: dict[str, TensorFacts] = {}
    for part in checkpoint_parts(family).values():
        tensors |= facts(part, dtype)
    tensors["alphas_cumprod"] = TensorFacts("float32", (1000,))
    tensors["model_ema.diffusion_modelinput_blocks00weight"] = TensorFacts(
        "float32", (320, 4, 3, 3)
    )
    if family in (ModelFamily.SD_1, ModelFamily.SD_1_INPAINT):
        tensors[f"{CLIP}embeddings.position_ids"] = TensorFacts("int64", (1, 77))
    return tensors


def classified(
    tensors: Mapping[str, TensorFacts], metadata: Mapping[str, str] | None = None
) -> Classification:
    return classify(Header(tensors, metadata or {}))


@pytest.mark.parametrize("family", LOADABLE)
def test_a_published_checkpoint_is_known_and_loadable(family: ModelFamily) -> None:
    assert classified(checkpoint(family)) == Classification(
        ModelKind.CHECKPOINT, family, "float16", loadable=True, reason=None
    )


@pytest.mark.parametrize("family", LOADABLE)
def test_a_checkpoint_that_lacks_any_one_tensor_is_not_loadable(family: ModelFamily) -> None:
    parts = checkpoint_parts(family)
    for part, needed in parts.items():
        for name in list(needed)[:: len(needed) // 5]:
            tensors = checkpoint(family)
            del tensors[name]
            answer = classified(tensors)
            assert not answer.loadable, name
            assert answer.reason is not None
            if answer.family is family:
                assert part in answer.reason
                assert name in answer.reason


@pytest.mark.parametrize(
    ("family", "left_out", "reason"),
    [
        (ModelFamily.SD_1, (VAE,), "it holds no VAE; get the full checkpoint"),
        (ModelFamily.SD_1, (CLIP,), "it holds no text encoder; get the full checkpoint"),
        (ModelFamily.SD_2_V, (VAE, "cond_stage_model."), "it holds no VAE and no text encoder"),
        (ModelFamily.SDXL, ("conditioner.embedders.1.",), "it holds no second text encoder"),
    ],
)
def test_a_missing_part_is_named(
    family: ModelFamily, left_out: tuple[str, ...], reason: str
) -> None:
    rest = {
        name: tensor for name, tensor in checkpoint(family).items() if not name.startswith(left_out)
    }
    answer = classified(rest)
    assert (answer.kind, answer.family) == (ModelKind.CHECKPOINT, family)
    assert answer.reason is not None
    assert answer.reason.startswith(reason)


def test_a_tensor_of_another_shape_is_named() -> None:
    name = f"{UNET}output_blocks.8.0.in_layers.2.weight"
    tensors = checkpoint(ModelFamily.SD_1) | facts({name: (640, 999, 3, 3)})
    answer = classified(tensors)
    assert answer.reason is not None
    assert name in answer.reason
    assert "[640, 999, 3, 3], not [640, 960, 3, 3]" in answer.reason


def test_the_vaes_attention_may_be_linear_and_the_unets_may_not() -> None:
    vae = f"{VAE}decoder.mid.attn_1.q.weight"
    assert classified(checkpoint(ModelFamily.SD_1) | facts({vae: (512, 512)})).loadable
    unet = f"{UNET}input_blocks.1.1.proj_in.weight"
    assert not classified(checkpoint(ModelFamily.SD_1) | facts({unet: (320, 320)})).loadable


def test_a_text_encoder_with_names_of_the_old_form_is_one() -> None:
    tensors = {
        name.replace("text_model.", ""): tensor
        for name, tensor in checkpoint(ModelFamily.SD_1).items()
    }
    answer = classified(tensors)
    assert (answer.family, answer.loadable) == (ModelFamily.SD_1, True)


@pytest.mark.parametrize(
    ("metadata", "marks", "family"),
    [
        ({}, (), ModelFamily.SD_2_V),
        ({"global_step": "875000"}, (), ModelFamily.SD_2),
        ({"global_step": "110000"}, (), ModelFamily.SD_2_V),
        ({"modelspec.prediction_type": "epsilon"}, (), ModelFamily.SD_2),
        ({"modelspec.prediction_type": "v"}, (), ModelFamily.SD_2_V),
        ({"modelspec.predict_key": "epsilon"}, (), ModelFamily.SD_2),
        ({"modelspec.architecture": "stable-diffusion-v2-512"}, (), ModelFamily.SD_2),
        ({"modelspec.architecture": "stable-diffusion-v2-768-v"}, (), ModelFamily.SD_2_V),
        ({"global_step": "875000"}, ("v_pred",), ModelFamily.SD_2_V),
    ],
)
def test_what_tells_the_two_forms_of_sd_2(
    metadata: Mapping[str, str], marks: tuple[str, ...], family: ModelFamily
) -> None:
    tensors = checkpoint(ModelFamily.SD_2) | facts(dict.fromkeys(marks, (0,)))
    answer = classified(tensors, metadata)
    assert (answer.family, answer.loadable) == (family, True)


@pytest.mark.parametrize(
    ("family", "changes", "told", "reason"),
    [
        (ModelFamily.SDXL, {"input_blocks.0.0.weight": (320, 9, 3, 3)}, "sdxl-inpaint", "inpaint"),
        (ModelFamily.SD_2, {"input_blocks.0.0.weight": (320, 9, 3, 3)}, "sd-2", "inpainting"),
        (ModelFamily.SD_2, {"input_blocks.0.0.weight": (320, 5, 3, 3)}, "sd-2-v", "depth"),
        (ModelFamily.SD_1, {"input_blocks.0.0.weight": (320, 8, 3, 3)}, "sd-1", "InstructPix2Pix"),
        (ModelFamily.SD_2, {"label_emb.0.0.weight": (1280, 1536)}, "sd-2-v", "unCLIP"),
        (ModelFamily.SD_1, {"time_embed.cond_proj.weight": (320, 256)}, "sd-1", "LCM"),
    ],
)
def test_relatives_that_can_not_draw_from_text_are_told(
    family: ModelFamily, changes: Mapping[str, tuple[int, ...]], told: str, reason: str
) -> None:
    tensors = checkpoint(family) | facts({UNET + name: shape for name, shape in changes.items()})
    answer = classified(tensors)
    assert (answer.kind, answer.family, answer.loadable) == (ModelKind.CHECKPOINT, told, False)
    assert answer.reason is not None
    assert reason in answer.reason


@pytest.mark.parametrize(
    ("shapes", "family", "reason"),
    [
        (
            {
                f"{UNET}input_blocks.0.0.weight": (384, 4, 3, 3),
                f"{UNET}input_blocks.4.1.transformer_blocks.0.attn2.to_k.weight": (768, 1280),
                "conditioner.embedders.0.model.text_projection": (1280, 1280),
            },
            ModelFamily.SDXL_REFINER,
            "refiner",
        ),
        ({f"{UNET}joint_blocks.0.x_block.attn.qkv.weight": (4608, 1536)}, "sd-3", "folder"),
        ({"joint_blocks.0.context_block.attn.qkv.weight": (4608, 1536)}, "sd-3", "folder"),
        (
            {
                "transformer_blocks.0.attn.add_k_proj.weight": (1536, 1536),
                "pos_embed.proj.weight": (1536, 16, 2, 2),
            },
            "sd-3",
            "folder",
        ),
        ({"double_blocks.0.img_attn.norm.key_norm.scale": (128,)}, "flux", "folder"),
        ({f"{UNET}double_blocks.0.img_attn.qkv.weight": (9216, 3072)}, "flux", "folder"),
        (
            {
                "transformer_blocks.0.attn.add_k_proj.weight": (3072, 3072),
                "single_transformer_blocks.0.attn.to_k.weight": (3072, 3072),
            },
            "flux",
            "folder",
        ),
        (
            {
                "conv_in.weight": (320, 4, 3, 3),
                "time_embedding.linear_1.weight": (1280, 320),
                "down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.weight": (320, 768),
                "up_blocks.3.resnets.0.conv1.weight": (320, 960, 3, 3),
            },
            "sd-1",
            "only the UNet of Stable Diffusion 1.x",
        ),
        (
            {
                "input_blocks.0.0.weight": (320, 4, 3, 3),
                "input_blocks.4.1.transformer_blocks.0.attn2.to_k.weight": (640, 2048),
            },
            "sdxl",
            "only the UNet of SDXL",
        ),
        (
            {
                f"{UNET}input_blocks.0.0.weight": (320, 4, 3, 3),
                f"{UNET}input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight": (320, 4096),
            },
            None,
            "no family that is known",
        ),
        ({f"{UNET}blocks.0.attn.qkv.weight": (9, 9)}, None, "no family that is known"),
    ],
)
def test_what_is_known_by_name_alone(
    shapes: Mapping[str, tuple[int, ...]], family: str | None, reason: str
) -> None:
    answer = classified(facts(shapes))
    assert (answer.kind, answer.family, answer.loadable) == (ModelKind.CHECKPOINT, family, False)
    assert answer.reason is not None
    assert reason in answer.reason


DOWN = "down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k"
DOTTED = "down_blocks.0.attentions.0.transformer_blocks.0.attn2"


@pytest.mark.parametrize(
    ("kind", "family", "shapes"),
    [
        ("lora", "sd-1", {f"lora_unet_{DOWN}.lora_down.weight": (8, 768)}),
        ("lora", "sd-2", {f"lora_unet_{DOWN}.lora_down.weight": (8, 1024)}),
        ("lora", "sdxl", {f"lora_unet_{DOWN}.lora_down.weight": (8, 2048)}),
        ("lora", None, {"lora_te_text_model_encoder_layers_0_mlp_fc1.lora_up.weight": (9, 8)}),
        ("lora", "sdxl", {"lora_te2_text_model_encoder_layers_0_mlp_fc1.alpha": ()}),
        ("lora", "sd-1", {f"unet.{DOTTED}.to_k.lora_A.weight": (4, 768)}),
        ("lora", "sd-1", {f"unet.{DOTTED}.to_k.lora.down.weight": (4, 768)}),
        ("lora", "sd-1", {f"unet.{DOTTED}.processor.to_k_lora.down.weight": (4, 768)}),
        ("lora", "sdxl", {f"base_model.model.{DOTTED}.to_k.lora_A.default.weight": (4, 2048)}),
        ("lora", "sd-1", {f"lora_unet_{DOWN}.hada_w1_b": (8, 768)}),
        ("lora", None, {"x.lokr_w1": (8, 8), "x.lokr_w2_a": (8, 4)}),
        ("lora", None, {"unet.mid_block.dora_scale": (1, 320)}),
        ("lora", "flux", {"lora_unet_double_blocks_0_img_attn_qkv.lora_down.weight": (16, 3072)}),
        ("lora", "flux", {"double_blocks.0.processor.qkv_lora1.down.weight": (16, 3072)}),
        (
            "lora",
            "flux",
            {"transformer.single_transformer_blocks.0.attn.to_k.lora_A.weight": (4, 9)},
        ),
        ("lora", "sd-3", {"lora_unet_joint_blocks_0_x_block_attn_qkv.lora_up.weight": (9, 4)}),
        ("vae", None, {"first_stage_model.decoder.conv_in.weight": (512, 4, 3, 3)}),
        ("vae", None, {"decoder.mid.attn_1.q.weight": (512, 512, 1, 1), "loss.logvar": ()}),
        ("vae", None, {"encoder.down_blocks.0.resnets.0.conv1.weight": (128, 128, 3, 3)}),
        ("embedding", "sd-1", {"emb_params": (4, 768)}),
        ("embedding", "sd-2", {"emb_params": (75, 1024)}),
        ("embedding", "sd-1", {"string_to_param.*": (2, 768), "string_to_token.*": ()}),
        ("embedding", "sdxl", {"clip_l": (2, 768), "clip_g": (2, 1280)}),
        ("embedding", "sd-1", {"<cat-toy>": (768,)}),
        ("embedding", "sd-2", {"<style>": (3, 1024)}),
        ("controlnet", None, {"control_model.input_hint_block.0.weight": (16, 3, 3, 3)}),
        (
            "controlnet",
            "sd-1",
            {
                "control_model.zero_convs.0.0.weight": (320, 320, 1, 1),
                "control_model.input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight": (320, 768),
                f"{UNET}input_blocks.0.0.weight": (320, 4, 3, 3),
            },
        ),
        (
            "controlnet",
            "sdxl",
            {
                "controlnet_cond_embedding.conv_in.weight": (16, 3, 3, 3),
                "down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k.weight": (640, 2048),
            },
        ),
        ("controlnet", "flux", {"controlnet_blocks.0.weight": (9, 9), "double_blocks.0.x": (1,)}),
        ("unknown", None, {}),
        ("unknown", None, {"weight": (10, 10)}),
        ("unknown", None, {"text_model.encoder.layers.0.mlp.fc1.weight": (3072, 768)}),
        ("unknown", None, {"token_embedding": (49408, 768)}),
    ],
)
def test_what_is_no_checkpoint(
    kind: str, family: str | None, shapes: Mapping[str, tuple[int, ...]]
) -> None:
    answer = classified(facts(shapes))
    assert (answer.kind, answer.family, answer.loadable) == (kind, family, False)
    assert answer.reason


@pytest.mark.parametrize(
    ("metadata", "family"),
    [
        ({"ss_base_model_version": "sdxl_base_v1-0"}, "sdxl"),
        ({"ss_base_model_version": "sd_v1"}, "sd-1"),
        ({"modelspec.architecture": "stable-diffusion-xl-v1-base/lora"}, "sdxl"),
        ({"modelspec.architecture": "Flux.1-dev/lora"}, "flux"),
    ],
)
def test_a_loras_family_may_stand_in_its_metadata(metadata: dict[str, str], family: str) -> None:
    assert classified(facts({"a.lokr_w1": (4, 4)}), metadata).family == family


SMALL = facts(
    {
        f"{UNET}input_blocks.0.0.weight": (48, 4, 3, 3),
        f"{UNET}input_blocks.3.1.transformer_blocks.0.attn2.to_k.weight": (96, 160),
        f"{VAE}decoder.conv_in.weight": (64, 4, 3, 3),
        f"{CLIP}embeddings.token_embedding.weight": (800, 160),
    }
)


def test_a_checkpoint_that_embeds_its_configuration_is_loadable_whatever_its_size() -> None:
    answer = classified(SMALL, EMBEDDED)
    assert (answer.kind, answer.family) == (ModelKind.CHECKPOINT, None)
    assert (answer.loadable, answer.reason) == (True, None)


@pytest.mark.parametrize("left_out", EMBEDDED)
def test_an_embedded_configuration_must_be_whole(left_out: str) -> None:
    metadata = {name: text for name, text in EMBEDDED.items() if name != left_out}
    assert not classified(SMALL, metadata).loadable


@pytest.mark.parametrize("index", ["", "[]", '{"_class_name": "X"}', "[" * 100_000])
def test_an_embedded_index_must_be_that_of_a_text_to_image_pipeline(index: str) -> None:
    assert not classified(SMALL, EMBEDDED | {"model_index.json": index}).loadable


def test_a_lora_with_an_embedded_configuration_is_still_a_lora() -> None:
    answer = classified(facts({f"lora_unet_{DOWN}.lora_up.weight": (9, 4)}), EMBEDDED)
    assert (answer.kind, answer.loadable) == (ModelKind.LORA, False)


@pytest.mark.parametrize("metadata", [{}, EMBEDDED])
def test_code_in_a_pickle_forbids_loading_whatever_else_is_good(metadata: dict[str, str]) -> None:
    header = Header(checkpoint(ModelFamily.SD_1), metadata, unsafe_globals=("os.system", "x.y"))
    answer = classify(header)
    assert (answer.family, answer.loadable) == (ModelFamily.SD_1, False)
    assert answer.reason is not None
    assert answer.reason.startswith(
        "it holds the instruction to call os.system and 1 more; a model file must not run code"
    )


def test_what_torch_does_not_load_safely_is_not_loadable() -> None:
    answer = classify(Header(checkpoint(ModelFamily.SD_1), unsupported=("FRAME",)))
    assert answer.reason is not None
    assert "save it again as .safetensors" in answer.reason


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float8_e4m3fn"])
def test_precision_is_that_of_the_weights_not_of_schedules_or_averages(dtype: str) -> None:
    assert classified(checkpoint(ModelFamily.SD_1, dtype)).precision == dtype


def test_several_types_of_weights_are_mixed_and_none_is_none() -> None:
    tensors = checkpoint(ModelFamily.SD_1)
    tensors[f"{VAE}quant_conv.weight"] = TensorFacts("float32", (8, 8, 1, 1))
    assert classified(tensors).precision == "mixed"
    assert classified({"counter": TensorFacts("int64", ())}).precision is None
    assert classified({"norm": TensorFacts("bfloat16", (9,))}).precision == "bfloat16"
