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
from tests.contract.variants.theirs import STEPS, kind_of, theirs

pytestmark = pytest.mark.torch

FROM_TEXT = (
    *("sd-1", "sd-2", "sd-2-v", "sdxl"),
    *("ssd-1b", "tiny-sd with gaps", "lcm", "unclip-l"),
)
"""The plain families, and one for each form of levels, middle and inputs. `test_whole.py` loads
every variant."""


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


@pytest.mark.parametrize("made", FROM_TEXT, indirect=True)
def test_a_variant_draws_from_text_as_diffusers_does(
    made: tuple[ModelRecord, dict[str, Any]], generator: Any
) -> None:
    record, parts = made
    assert record.family is not None
    _with_no_picture(parts["unet"])
    expected = theirs(
        parts, record.family, kind_of(parts), width=256, height=256, guidance_scale=7.5
    )
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
    ("made", "strength"),
    [("sd-1-inpaint", 1.0), ("sd-2-inpaint", 1.0), ("sdxl-inpaint", 0.5)],
    indirect=["made"],
)
def test_an_inpainting_file_draws_the_masked_area_as_diffusers_does(
    made: tuple[ModelRecord, dict[str, Any]],
    generator: Any,
    strength: float,
) -> None:
    record, parts = made
    assert record.family is not None
    expected = theirs(
        parts,
        record.family,
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
    made: tuple[ModelRecord, dict[str, Any]], generator: Any
) -> None:
    record, parts = made
    assert record.family is not None
    expected = theirs(
        parts,
        record.family,
        "StableDiffusionInstructPix2PixPipeline",
        image=INIT,
        guidance_scale=7.5,
        image_guidance_scale=1.5,
    )
    request = from_picture(strength=1.0, num_inference_steps=STEPS, scheduler="Euler")
    (picture,) = draw(generator, record, request).pictures
    assert np.abs(picture - expected).mean() <= 0.5


@pytest.mark.parametrize(
    "made", ["sd-1", "sd-2", "sd-2-v", "sdxl", "ssd-1b", "tiny-sd with gaps"], indirect=True
)
def test_a_variant_draws_from_a_picture_as_diffusers_does(
    made: tuple[ModelRecord, dict[str, Any]], generator: Any
) -> None:
    record, parts = made
    assert record.family is not None
    kind = kind_of(parts, "Img2Img")
    call = {"image": INIT, "strength": 0.5, "guidance_scale": 7.5}
    expected = theirs(parts, record.family, kind, **call)
    request = from_picture(strength=0.5, num_inference_steps=STEPS, scheduler="Euler")
    (picture,) = draw(generator, record, request).pictures
    assert np.abs(picture - np.asarray(INIT)).mean() > 2
    assert np.abs(picture - expected).mean() <= 0.5
