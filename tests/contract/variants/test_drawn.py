"""Every variant of Stable Diffusion that is loaded from a file draws as diffusers' pipelines do."""

from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from domain.checkpoints.families import FAMILIES
from domain.models.record import ModelRecord
from tests.contract.channels.drawing import INIT, MASK, SIDE, draw, from_picture
from tests.contract.drawing.drawing import demo_request
from tests.contract.drawing.generating import new_generator
from tests.contract.variants.files import original_tensors, save_file
from tests.contract.variants.networks import VARIANTS, tiny_family, tiny_parts

pytestmark = pytest.mark.torch

STEPS = 2
PROMPT = "a red circle on a white background"
FROM_TEXT = ("ssd-1b", "tiny-sd with gaps", "lcm", "unclip-l")
"""One for each form of levels, middle and inputs. `test_whole.py` loads every variant."""


@pytest.fixture(scope="module")
def generator() -> Any:
    return new_generator(device="cpu", dtype="float32")


@pytest.fixture
def made(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> tuple[ModelRecord, dict[str, Any]]:
    """A variant as a file, and its networks."""
    variant = VARIANTS[request.param]
    parts = tiny_parts(variant)
    facts = cast("dict[Any, Any]", FAMILIES)
    tensors = original_tensors(parts, has_gaps=variant.has_gaps)
    monkeypatch.setitem(facts, variant.family, tiny_family(variant.family))
    return save_file(tmp_path / "tiny.safetensors", tensors, variant.family), parts


@pytest.fixture(scope="module")
def tokenizers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """CLIP's tokenizer, by the token that pads a prompt."""
    from transformers import CLIPTokenizer

    from adapters.diffusion.families.vocabulary import merges_text, vocabulary_text

    folder = tmp_path_factory.mktemp("tokenizer")
    (folder / "vocab.json").write_text(vocabulary_text(), encoding="utf-8")
    (folder / "merges.txt").write_text(merges_text(), encoding="utf-8")
    return {
        token: CLIPTokenizer.from_pretrained(str(folder), model_max_length=77, pad_token=token)
        for token in ("<|endoftext|>", "!")
    }


def theirs(parts: dict[str, Any], tokenizers: dict[str, Any], kind: str, **call: Any) -> np.ndarray:
    """Return what a pipeline of diffusers draws with the networks, in levels."""
    import diffusers
    import torch

    has_open_clip = parts["text_encoder"].config.hidden_act == "gelu"
    is_velocity = has_open_clip and parts["unet"].config.in_channels == 4
    others: dict[str, Any] = {
        "tokenizer": tokenizers["!" if has_open_clip else "<|endoftext|>"],
        "scheduler": diffusers.EulerDiscreteScheduler(
            beta_start=0.00085,
            beta_end=0.012,
            beta_schedule="scaled_linear",
            prediction_type="v_prediction" if is_velocity else "epsilon",
            timestep_spacing="trailing",
        ),
    }
    if "XL" in kind:
        others |= {"tokenizer_2": tokenizers["!"], "force_zeros_for_empty_prompt": True}
    else:
        others |= {"safety_checker": None, "feature_extractor": None}
        others |= {"requires_safety_checker": False}
    pipeline = getattr(diffusers, kind)(**parts, **others)
    pipeline.set_progress_bar_config(disable=True)
    drawn = pipeline(
        prompt=PROMPT,
        num_inference_steps=STEPS,
        generator=[torch.Generator().manual_seed(3)],
        output_type="np",
        **call,
    ).images
    return np.asarray(np.round(drawn[0] * 255))


def kind_of(parts: dict[str, Any], task: str = "") -> str:
    large = "XL" if "text_encoder_2" in parts else ""
    return f"StableDiffusion{large}{task}Pipeline"


@pytest.mark.parametrize("made", FROM_TEXT, indirect=True)
def test_a_variant_draws_from_text_as_diffusers_does(
    made: tuple[ModelRecord, dict[str, Any]], generator: Any, tokenizers: dict[str, Any]
) -> None:
    record, parts = made
    _with_no_picture(parts["unet"])
    expected = theirs(parts, tokenizers, kind_of(parts), width=256, height=256, guidance_scale=7.5)
    request = demo_request(
        num_inference_steps=STEPS, scheduler="Euler", guidance_scale=7.5, width=256, height=256
    )
    (picture,) = draw(generator, record, request).pictures
    assert picture.std() > 1
    assert np.abs(picture - expected).mean() <= 0.5


def _with_no_picture(unet: Any) -> None:
    """Let an unCLIP UNet be called with the embedding of no picture: zeros."""
    import torch

    width = unet.config.projection_class_embeddings_input_dim
    if unet.config.class_embed_type != "projection":
        return
    call = unet.forward

    def forward(sample: torch.Tensor, *arguments: Any, **options: Any) -> Any:
        return call(sample, *arguments, class_labels=torch.zeros(len(sample), width), **options)

    unet.forward = forward


@pytest.mark.parametrize(
    ("made", "strength"), [("sd-2-inpaint", 1.0), ("sdxl-inpaint", 0.5)], indirect=["made"]
)
def test_an_inpainting_file_draws_the_masked_area_as_diffusers_does(
    made: tuple[ModelRecord, dict[str, Any]],
    generator: Any,
    tokenizers: dict[str, Any],
    strength: float,
) -> None:
    record, parts = made
    expected = theirs(
        parts,
        tokenizers,
        kind_of(parts, "Inpaint"),
        image=INIT,
        mask_image=MASK,
        strength=strength,
        width=SIDE,
        height=SIDE,
        guidance_scale=7.5,
    )
    request = from_picture(
        mask=MASK, mask_blur=0, strength=strength, num_inference_steps=STEPS, scheduler="Euler"
    )
    (picture,) = draw(generator, record, request).pictures
    inside = np.asarray(MASK) == 255
    assert np.abs(picture - expected)[inside].mean() <= 0.5


@pytest.mark.parametrize("made", ["pix2pix"], indirect=True)
def test_an_instruction_changes_a_picture_as_in_diffusers(
    made: tuple[ModelRecord, dict[str, Any]], generator: Any, tokenizers: dict[str, Any]
) -> None:
    record, parts = made
    expected = theirs(
        parts,
        tokenizers,
        "StableDiffusionInstructPix2PixPipeline",
        image=INIT,
        guidance_scale=7.5,
        image_guidance_scale=1.5,
    )
    request = from_picture(strength=1.0, num_inference_steps=STEPS, scheduler="Euler")
    (picture,) = draw(generator, record, request).pictures
    assert np.abs(picture - expected).mean() <= 0.5


@pytest.mark.parametrize("made", ["ssd-1b"], indirect=True)
def test_a_variant_draws_from_pictures(
    made: tuple[ModelRecord, dict[str, Any]], generator: Any
) -> None:
    record, _ = made
    request = from_picture(strength=0.5, num_inference_steps=2, scheduler="Euler")
    (picture,) = draw(generator, record, request).pictures
    assert picture.shape == (SIDE, SIDE, 3)
    assert picture.std() > 1
