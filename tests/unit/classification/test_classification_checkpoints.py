"""Which checkpoint a file is, and what is missing in it."""

import time
from collections.abc import Mapping

import pytest

from adapters.filesystem.classification.files import Classification
from adapters.filesystem.headers.reading import TensorFacts
from domain.checkpoints.arranged.averages import averages_in
from domain.checkpoints.layouts import checkpoint_parts
from domain.checkpoints.parameters import parameters_of
from domain.models.kinds import base_family
from domain.models.record import ModelFamily, ModelKind
from domain.sizes import Size
from tests.unit.classification.classification_headers import (
    CLIP,
    UNET,
    VAE,
    checkpoint,
    classified,
    facts,
)

LOADABLE = (
    *(ModelFamily.SD_1, ModelFamily.SD_1_INPAINT, ModelFamily.SD_1_PIX2PIX),
    *(ModelFamily.SD_2_V, ModelFamily.SD_2_INPAINT),
    *(ModelFamily.SDXL, ModelFamily.SDXL_INPAINT, ModelFamily.SDXL_PIX2PIX),
)
LARGE = (ModelFamily.SDXL, ModelFamily.SDXL_INPAINT, ModelFamily.SDXL_PIX2PIX)


@pytest.mark.parametrize("family", LOADABLE)
def test_a_published_checkpoint_is_known_and_loadable(family: ModelFamily) -> None:
    sides = {ModelFamily.SD_2_V: 768, **dict.fromkeys(LARGE, 1024)}
    tensors = checkpoint(family)
    assert classified(tensors) == Classification(
        ModelKind.CHECKPOINT,
        family,
        "float16",
        loadable=True,
        reason=None,
        native_size=Size(sides.get(family, 512), sides.get(family, 512)),
        note=averages_in(tensors).note,
        base=base_family(family),
        parameters=parameters_of(tensors),
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
    is_only_the_unet = "cond_stage_model." in left_out
    kind = ModelKind.DIFFUSION_MODEL if is_only_the_unet else ModelKind.CHECKPOINT
    assert (answer.kind, answer.family) == (kind, family)
    assert answer.reason is not None
    assert answer.reason.startswith(reason)


@pytest.mark.parametrize("family", [ModelFamily.SD_1, ModelFamily.SD_2_V, ModelFamily.SDXL])
def test_a_checkpoint_without_a_vae_can_draw_with_another(family: ModelFamily) -> None:
    whole = checkpoint(family)
    rest = {name: tensor for name, tensor in whole.items() if not name.startswith(VAE)}
    answer = classified(rest)
    assert (answer.family, answer.reason, answer.lacks_vae) == (family, None, True)
    assert not classified(whole).lacks_vae
    half = {name: tensor for name, tensor in whole.items() if f"{VAE}decoder" not in name}
    assert "its VAE is not that of" in (classified(half).reason or "")


def test_a_tensor_of_another_shape_is_named() -> None:
    name = f"{UNET}output_blocks.8.0.in_layers.2.weight"
    tensors = checkpoint(ModelFamily.SD_1) | facts({name: (640, 999, 3, 3)})
    answer = classified(tensors)
    assert answer.reason is not None
    assert name in answer.reason
    assert "[640, 999, 3, 3], not [640, 960, 3, 3]" in answer.reason


def test_the_attention_of_the_vae_may_be_linear_and_that_of_the_unet_may_not() -> None:
    vae = f"{VAE}decoder.mid.attn_1.q.weight"
    assert classified(checkpoint(ModelFamily.SD_1) | facts({vae: (512, 512)})).loadable
    unet = f"{UNET}input_blocks.1.1.proj_in.weight"
    assert not classified(checkpoint(ModelFamily.SD_1) | facts({unet: (320, 320)})).loadable


def test_a_text_encoder_with_old_tensor_names_is_recognised() -> None:
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
def test_the_two_forms_of_sd_2_are_distinguished(
    metadata: Mapping[str, str], marks: tuple[str, ...], family: ModelFamily
) -> None:
    tensors = checkpoint(ModelFamily.SD_2) | facts(dict.fromkeys(marks, (0,)))
    answer = classified(tensors, metadata)
    assert (answer.family, answer.loadable) == (family, True)


@pytest.mark.parametrize(
    ("base", "channels", "family"),
    [
        (ModelFamily.SD_1, 9, ModelFamily.SD_1_INPAINT),
        (ModelFamily.SD_1, 8, ModelFamily.SD_1_PIX2PIX),
        (ModelFamily.SD_2, 9, ModelFamily.SD_2_INPAINT),
        (ModelFamily.SDXL, 9, ModelFamily.SDXL_INPAINT),
        (ModelFamily.SDXL, 8, ModelFamily.SDXL_PIX2PIX),
    ],
)
def test_the_channels_of_the_first_layer_distinguish_the_variants_of_a_family(
    base: ModelFamily, channels: int, family: ModelFamily
) -> None:
    first = f"{UNET}input_blocks.0.0.weight"
    answer = classified(checkpoint(base) | facts({first: (320, channels, 3, 3)}))
    assert (answer.family, answer.reason) == (family, None)


@pytest.mark.parametrize("family", LARGE)
@pytest.mark.parametrize("mark", ["edm_mean", "edm_vpred.sigma_max", "edm_vpred.sigma_min"])
def test_continuous_noise_whose_numbers_cannot_be_read_is_refused(
    mark: str, family: ModelFamily
) -> None:
    plain = checkpoint(family)
    assert classified(plain, {}).loadable
    answer = classified(plain | facts({mark: ()}), {})
    assert not answer.loadable
    assert f"its tensor {mark} must hold" in str(answer.reason)


@pytest.mark.parametrize(
    ("family", "changes", "told", "reason"),
    [
        (ModelFamily.SD_2, {"input_blocks.0.0.weight": (320, 5, 3, 3)}, "sd-2-v", "depth"),
        (ModelFamily.SD_2, {"input_blocks.0.0.weight": (320, 7, 3, 3)}, "sd-2-v", "upscaler"),
        (ModelFamily.SD_2, {"input_blocks.0.0.weight": (320, 8, 3, 3)}, "sd-2-v", "InstructPix"),
        (ModelFamily.SD_1, {"input_blocks.0.0.weight": (320, 6, 3, 3)}, "sd-1", "6 channels"),
        (ModelFamily.SD_2, {"label_emb.0.0.weight": (1280, 1536)}, "sd-2-v", "lacks the tensor"),
        (ModelFamily.SD_2, {"label_emb.0.0.weight": (1280, 768)}, "sd-2-v", "768 numbers beside"),
    ],
)
def test_related_models_that_cannot_draw_are_named(
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
            "not of a family that",
        ),
        ({f"{UNET}blocks.0.attn.qkv.weight": (9, 9)}, None, "not of a family that"),
    ],
)
def test_models_that_are_known_only_by_name(
    shapes: Mapping[str, tuple[int, ...]], family: str | None, reason: str
) -> None:
    answer = classified(facts(shapes))
    is_whole = any(name.startswith("conditioner.") for name in shapes)
    kind = ModelKind.CHECKPOINT if is_whole else ModelKind.DIFFUSION_MODEL
    assert (answer.kind, answer.family, answer.loadable) == (kind, family, False)
    assert answer.reason is not None
    assert reason in answer.reason


def test_hostile_names_are_matched_in_linear_time() -> None:
    hostile = ["down_blocks.0", "input_blocks.0.attn2", "lora_", ".attn2.to_k", "lllite_x"]
    tensors = {(name * 400_000)[:400_000]: TensorFacts("float16", (1,)) for name in hostile}
    tensors |= facts({f"{UNET}input_blocks.0.0.weight": (320, 4, 3, 3)})
    started = time.process_time()
    assert not classified(tensors).loadable
    assert time.process_time() - started < 2
