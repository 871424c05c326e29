"""The name of a file tells a distilled model from its base, where no header does."""

import pytest

from domain.checkpoints.sets.variants.by_name import (
    flux_2_variant,
    named_variant,
    qwen_image_variant,
    sana_variant,
    z_image_variant,
)
from domain.models.kinds import ModelFamily


@pytest.mark.parametrize(
    ("file", "shift", "steps", "guidance"),
    [
        ("z_image_turbo_bf16.safetensors", 3.0, 9, 1.0),
        ("models/Z-Image-Turbo-fp8-e4m3fn.safetensors", 3.0, 9, 1.0),
        ("my_zit_v3.safetensors", 3.0, 9, 1.0),
        ("z_image_bf16.safetensors", 6.0, 50, 5.0),
        ("Z-Image-Q5_K_M.gguf", 6.0, 50, 5.0),
        ("portraits-z-image-base.safetensors", 6.0, 50, 5.0),
    ],
)
def test_z_image_is_told_from_its_turbo(
    file: str, shift: float, steps: int, guidance: float
) -> None:
    variant = z_image_variant(file)
    assert (variant.scheduler["shift"], variant.steps, variant.guidance) == (shift, steps, guidance)
    assert variant.scheduler["use_dynamic_shifting"] is False
    assert variant.note is None


@pytest.mark.parametrize(
    ("file", "steps", "guidance"),
    [
        ("flux-2-klein-4b.safetensors", 4, 1.0),
        ("flux-2-klein-9b-fp8.safetensors", 4, 1.0),
        ("FLUX.2-klein-4B-Q8_0.gguf", 4, 1.0),
        ("flux-2-klein-base-4b.safetensors", 50, 4.0),
        ("klein-base-paintings.safetensors", 50, 4.0),
    ],
)
def test_klein_is_told_from_its_base(file: str, steps: int, guidance: float) -> None:
    variant = flux_2_variant(file)
    assert (variant.steps, variant.guidance, variant.note) == (steps, guidance, None)


@pytest.mark.parametrize("family", [ModelFamily.Z_IMAGE, ModelFamily.FLUX_2])
@pytest.mark.parametrize("file", ["portraits.safetensors", "database-of-foxes.safetensors"])
def test_a_name_that_tells_nothing_is_drawn_as_distilled_and_says_so(
    family: ModelFamily, file: str
) -> None:
    variant = named_variant(family, file)
    assert variant is not None
    assert variant.guidance == 1.0
    assert variant.note is not None
    assert "its name says which" in variant.note


@pytest.mark.parametrize(
    ("file", "steps", "guidance", "terminal"),
    [
        ("qwen_image_bf16.safetensors", 50, 4.0, 0.02),
        ("Qwen-Image-Lightning-4steps.safetensors", 4, 1.0, None),
        ("qwen-image-lightning-8steps-v1.1.safetensors", 8, 1.0, None),
    ],
)
def test_qwen_image_is_told_from_its_models_for_few_steps(
    file: str, steps: int, guidance: float, terminal: float | None
) -> None:
    variant = qwen_image_variant(file)
    assert (variant.steps, variant.guidance) == (steps, guidance)
    assert variant.scheduler["shift_terminal"] == terminal


@pytest.mark.parametrize(("side", "shift"), [(16, 3.0), (32, 3.0), (64, 3.0), (128, 6.0)])
def test_sana_for_4096_pixels_has_another_shift(side: int, shift: float) -> None:
    assert sana_variant({"sample_size": side}).scheduler["flow_shift"] == shift


def test_other_families_have_no_variants_by_name() -> None:
    assert named_variant(ModelFamily.FLUX, "flux1-schnell.safetensors") is None
    assert named_variant(None, "z_image_turbo.safetensors") is None
