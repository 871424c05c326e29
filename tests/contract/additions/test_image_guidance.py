"""An InstructPix2Pix UNet predicts as in diffusers' pipelines for it."""

from typing import Any

import numpy as np
import pytest

from tests.contract.additions.networks import parts, quiet
from tests.contract.drawing.tiny_sdxl import WIDTH, tiny_sdxl

pytestmark = pytest.mark.torch


def words(width: int) -> Any:
    import torch

    return torch.randn(2, 5, width, generator=torch.manual_seed(1), dtype=torch.float64)


def xl_parts(pipeline: Any) -> dict[str, Any]:
    absent = ("feature_extractor", "image_encoder")
    return {name: part for name, part in pipeline.components.items() if name not in absent}


@pytest.mark.parametrize(("guidance", "image_guidance"), [(7.5, 1.5), (3.0, 1.0), (1.0, 1.0)])
def test_pictures_match_instruct_pix2pix(guidance: float, image_guidance: float) -> None:
    import torch
    from diffusers import StableDiffusionInstructPix2PixPipeline, StableDiffusionPipeline

    from adapters.diffusion.additions.image_guidance import image_guidance_addition

    source = torch.manual_seed(2)
    picture = torch.rand(1, 3, 64, 96, generator=source, dtype=torch.float64)
    latents = torch.randn(1, 4, 8, 12, generator=source, dtype=torch.float64)
    embedded = words(16)
    call = {
        "prompt_embeds": embedded[:1],
        "negative_prompt_embeds": embedded[1:],
        "latents": latents,
        "num_inference_steps": 3,
        "guidance_scale": guidance,
        "output_type": "np",
    }
    theirs = quiet(StableDiffusionInstructPix2PixPipeline(**parts(8)))
    expected = theirs(image=picture, image_guidance_scale=image_guidance, **call).images

    ours = quiet(StableDiffusionPipeline(**parts(8)))
    with torch.no_grad():
        seen = ours.vae.encode(2 * picture - 1).latent_dist.mode()
    addition = image_guidance_addition(
        ours.unet, seen, guidance_scale=guidance, image_guidance_scale=image_guidance
    )
    with addition:
        images = ours(**call, height=64, width=96).images
    assert np.std(images) > 0.01
    np.testing.assert_allclose(images, expected, atol=1e-6)


def test_pictures_match_instruct_pix2pix_of_xl() -> None:
    import torch
    from diffusers import StableDiffusionXLInstructPix2PixPipeline

    from adapters.diffusion.additions.image_guidance import image_guidance_addition

    ours = tiny_sdxl(in_channels=8)
    theirs = quiet(StableDiffusionXLInstructPix2PixPipeline(**xl_parts(ours)))
    source = torch.manual_seed(2)
    picture = torch.rand(1, 3, 64, 64, generator=source)
    embedded = words(2 * WIDTH).float()
    call = {
        "prompt_embeds": embedded[:1],
        "negative_prompt_embeds": embedded[1:],
        "pooled_prompt_embeds": torch.ones(1, WIDTH),
        "negative_pooled_prompt_embeds": torch.zeros(1, WIDTH),
        "latents": torch.randn(1, 4, 8, 8, generator=source),
        "num_inference_steps": 2,
        "guidance_scale": 5.0,
        "height": 64,
        "width": 64,
        "output_type": "np",
    }
    expected = theirs(image=picture, image_guidance_scale=2.0, **call).images
    with torch.no_grad():
        seen = ours.vae.encode(2 * picture - 1).latent_dist.mode()
    with image_guidance_addition(ours.unet, seen, guidance_scale=5.0, image_guidance_scale=2.0):
        images = ours(**call).images
    assert np.std(images) > 0.001
    np.testing.assert_allclose(images, expected, atol=1e-5)


def test_the_picture_guides_without_guidance_by_the_prompt() -> None:
    """Equation 3 with a scale of 1 for the prompt. diffusers would leave out both guidances."""
    import torch
    from diffusers import StableDiffusionPipeline

    from adapters.diffusion.additions.image_guidance import image_guidance_addition

    pipeline = quiet(StableDiffusionPipeline(**parts(8)))
    unet, embedded = pipeline.unet, words(16)
    source = torch.manual_seed(2)
    latents, seen = (
        torch.randn(1, 4, 8, 8, generator=source, dtype=torch.float64) for _ in range(2)
    )
    time = torch.tensor(500)

    def plain(picture: Any, text: Any) -> Any:
        given = torch.cat([latents, picture], dim=1)
        return unet(given, time, encoder_hidden_states=text).sample

    with torch.no_grad():
        prompted, pictured = (plain(seen, text) for text in (embedded[:1], embedded[1:]))
        free = plain(torch.zeros_like(seen), embedded[1:])
        with image_guidance_addition(unet, seen, guidance_scale=1.0, image_guidance_scale=1.8):
            found = unet(
                torch.cat([latents] * 2), time, encoder_hidden_states=embedded.flip(0)
            ).sample
    expected = free + (prompted - pictured) + 1.8 * (pictured - free)
    torch.testing.assert_close(found, torch.cat([expected] * 2))
