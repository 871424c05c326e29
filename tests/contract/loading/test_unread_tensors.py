"""Tensors of a checkpoint that diffusers' conversion skips."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from adapters.diffusion.families import configuration_files
from domain.checkpoints.layouts import checkpoint_parts
from domain.checkpoints.unused import PARTS
from domain.errors import ModelNotLoadable
from domain.generation.request import GenerationRequest
from domain.models.record import ModelFamily, ModelRecord
from tests.contract.conftest import DEMO_MODEL
from tests.contract.drawing.generating import generate, new_generator

pytestmark = pytest.mark.torch

FAMILIES = (ModelFamily.SD_1, ModelFamily.SD_1_INPAINT, ModelFamily.SD_2, ModelFamily.SDXL)


def weights_of(family: ModelFamily) -> dict[str, Any]:
    """Return every tensor of a published checkpoint, without memory of its own."""
    import torch

    zero = torch.zeros((), dtype=torch.float16)
    return {
        name: zero.expand(shape)
        for part in checkpoint_parts(family).values()
        for name, shape in part.items()
    }


def parts_of(family: ModelFamily, folder: Path) -> dict[str, Any]:
    """Return the networks of a family, without memory of their own."""
    import torch
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    files = configuration_files(family)
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    with torch.device("meta"):
        parts: dict[str, Any] = {
            "unet": UNet2DConditionModel.from_config(
                UNet2DConditionModel.load_config(folder / "unet")
            ),
            "vae": AutoencoderKL.from_config(AutoencoderKL.load_config(folder / "vae")),
            "text_encoder": CLIPTextModel(CLIPTextConfig.from_pretrained(folder / "text_encoder")),
        }
        if "text_encoder_2/config.json" in files:
            second = CLIPTextConfig.from_pretrained(folder / "text_encoder_2")
            parts["text_encoder_2"] = CLIPTextModelWithProjection(second)
    return parts


@pytest.fixture(scope="module", params=FAMILIES)
def family(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture(scope="module")
def parts(family: ModelFamily, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return parts_of(family, tmp_path_factory.mktemp("configuration"))


def why(weights: dict[str, Any], parts: dict[str, Any]) -> str | None:
    from adapters.diffusion.loading.single.unread_tensors import unread_reason

    return unread_reason(weights, parts)


def test_every_tensor_of_a_published_checkpoint_is_read(
    family: ModelFamily, parts: dict[str, Any]
) -> None:
    assert why(weights_of(family), parts) is None


def test_tensors_that_change_no_picture_may_be_skipped(
    family: ModelFamily, parts: dict[str, Any]
) -> None:
    import torch

    extras = {
        ModelFamily.SD_2: ("cond_stage_model.model.logit_scale",),
        ModelFamily.SDXL: (
            "conditioner.embedders.1.model.logit_scale",
            "conditioner.embedders.0.transformer.text_model.embeddings.position_ids",
        ),
    }.get(family, ("cond_stage_model.transformer.text_model.embeddings.position_ids",))
    outside = ("model_ema.decay", "alphas_cumprod", "optimizer.state")
    zeros = dict.fromkeys((*extras, *outside), torch.zeros(()))
    assert why(weights_of(family) | zeros, parts) is None


@pytest.mark.parametrize("prefix", PARTS)
@pytest.mark.parametrize(
    "rest",
    [
        "extra",
        "input_blocks.1.0.in_layers.2.weight_scale",
        "input_blocks.1.1.transformer_blocks.0.attn2.to_k_ip.weight",
        "input_blocks.77.0.in_layers.0.weight",
        "decoder.mid.attn_1.extra.weight",
        "transformer.text_model.encoder.layers.40.mlp.fc1.weight",
        "model.transformer.resblocks.60.mlp.c_fc.weight",
    ],
)
def test_any_other_tensor_inside_a_network_is_named(
    family: ModelFamily, parts: dict[str, Any], prefix: str, rest: str
) -> None:
    import torch

    reason = why(weights_of(family) | {prefix + rest: torch.zeros((4, 2, 1, 1))}, parts)
    assert reason is not None
    assert f"its {PARTS[prefix]} holds tensors" in reason
    assert prefix + rest in reason


def test_empty_and_scalar_tensors_are_checked_too(
    family: ModelFamily, parts: dict[str, Any]
) -> None:
    import torch

    for shape in ((), (0,), (0, 3), (3, 0)):
        extra = {"first_stage_model.odd": torch.zeros(shape)}
        reason = why(weights_of(family) | extra, parts)
        assert reason is not None
        assert "first_stage_model.odd" in reason


def test_if_two_tensors_share_a_name_the_unused_one_is_named(tmp_path: Path) -> None:
    weights, start = weights_of(ModelFamily.SD_1), "model.diffusion_model.output_blocks.5"
    for kind in ("weight", "bias"):
        weights[f"{start}.1.conv.{kind}"] = weights[f"{start}.2.conv.{kind}"]
    reason = why(weights, parts_of(ModelFamily.SD_1, tmp_path))
    assert reason is not None
    assert f"{start}.1.conv.weight" in reason


@pytest.mark.parametrize(
    "name",
    [
        "model.diffusion_model.input_blocks.1.0.in_layers.2.weight_scale",
        "first_stage_model.decoder.extra",
        "cond_stage_model.transformer.text_model.encoder.layers.0.extra",
    ],
)
def test_a_file_with_unread_tensors_is_refused_on_loading(
    tmp_path: Path, request_for: Callable[..., GenerationRequest], name: str
) -> None:
    import torch
    from safetensors import safe_open
    from safetensors.torch import load_file, save_file

    with safe_open(DEMO_MODEL.path, framework="pt") as file:
        metadata = file.metadata()
    path = tmp_path / "more.safetensors"
    save_file(load_file(DEMO_MODEL.path) | {name: torch.ones(2)}, path, metadata=metadata)
    record = ModelRecord("ab" * 32, path.name, path.stat().st_size, str(path), path.suffix)
    generator = new_generator(device="cpu", dtype="float32")
    with pytest.raises(ModelNotLoadable) as caught:
        generate(generator, record, [request_for()])
    assert caught.value.lasting
    assert caught.value.name == "more.safetensors"
    assert caught.value.reason.startswith("its ")
    assert name in str(caught.value)
