"""An inpainting UNet gets its mask and masked picture as in diffusers' inpainting pipeline."""

from typing import Any

import numpy as np
import pytest

from tests.contract.additions.networks import parts, quiet

pytestmark = pytest.mark.torch

SIZE = {"height": 64, "width": 96}


def words() -> dict[str, Any]:
    import torch

    found = torch.randn(2, 5, 16, generator=torch.manual_seed(1), dtype=torch.float64)
    return {"prompt_embeds": found[:1], "negative_prompt_embeds": found[1:]}


def test_a_mask_and_its_picture_match_the_inpainting_pipeline() -> None:
    import torch
    from diffusers import StableDiffusionInpaintPipeline, StableDiffusionPipeline

    from adapters.diffusion.additions.mask import mask_addition

    source = torch.manual_seed(2)
    picture = torch.rand(1, 3, 64, 96, generator=source, dtype=torch.float64)
    mask = torch.rand(1, 1, 64, 96, generator=source, dtype=torch.float64)
    call = {**words(), **SIZE, "num_inference_steps": 3, "output_type": "np"}
    theirs = quiet(StableDiffusionInpaintPipeline(**parts(9)))
    seed = torch.Generator().manual_seed(7)
    expected = theirs(image=picture, mask_image=mask, strength=1.0, generator=[seed], **call).images

    ours = quiet(StableDiffusionPipeline(**parts(9)))
    seed = torch.Generator().manual_seed(7)
    noise = torch.randn(1, 4, 8, 12, generator=seed, dtype=torch.float64)
    rounded = (mask >= 0.5).double()
    small, around = rounded[..., ::8, ::8], (2 * picture - 1) * (1 - rounded)
    with torch.no_grad():
        latents = ours.vae.encode(around).latent_dist.sample(seed) * ours.vae.config.scaling_factor
    with mask_addition(ours.unet, small, latents):
        images = ours(latents=noise, **call).images
    assert np.std(images) > 0.01
    np.testing.assert_allclose(images, expected, atol=1e-6)


def test_a_full_mask_matches_the_inpainting_pipeline_on_white() -> None:
    import torch
    from diffusers import StableDiffusionInpaintPipeline, StableDiffusionPipeline
    from PIL import Image

    from adapters.diffusion.additions.mask import GreyLatents, mask_addition

    latents = torch.randn(1, 4, 8, 12, generator=torch.manual_seed(3), dtype=torch.float64)
    call: dict[str, Any] = {**words(), **SIZE, "num_inference_steps": 3, "output_type": "np"}
    theirs = quiet(StableDiffusionInpaintPipeline(**parts(9)))
    # It samples the grey picture's latents; with zero variance both results are the same.
    with torch.no_grad():
        theirs.vae.quant_conv.bias[4:] = -60
        theirs.vae.quant_conv.weight[4:] = 0
    white, grey = (Image.new("RGB", (96, 64), (level,) * 3) for level in (255, 128))
    expected = theirs(image=grey, mask_image=white, strength=1.0, latents=latents, **call).images

    pipeline = quiet(StableDiffusionPipeline(**parts(9)))
    around = GreyLatents().like(latents, pipeline.vae)
    with mask_addition(pipeline.unet, torch.ones_like(latents[:, :1]), around):
        images = pipeline(latents=latents, **call).images
    assert images.shape == (1, 64, 96, 3)
    assert np.std(images) > 0.01
    np.testing.assert_allclose(images, expected, atol=1e-5)


@pytest.mark.parametrize("guidance_scale", [1.0, 7.5])
def test_each_image_of_a_batch_gets_its_own_channels(guidance_scale: float) -> None:
    import torch
    from diffusers import StableDiffusionPipeline

    from adapters.diffusion.additions.mask import mask_addition

    pipeline = quiet(StableDiffusionPipeline(**parts(9)))
    source = torch.manual_seed(4)
    latents, around = (
        torch.randn(3, 4, 8, 8, generator=source, dtype=torch.float64) for _ in range(2)
    )
    mask = torch.zeros(1, 1, 8, 8, dtype=torch.float64)
    mask[..., 4:] = 1

    def drawn(which: slice) -> Any:
        count = len(latents[which])
        with mask_addition(pipeline.unet, mask, around[which]):
            return pipeline(
                **{name: each.expand(count, -1, -1) for name, each in words().items()},
                latents=latents[which],
                guidance_scale=guidance_scale,
                num_inference_steps=2,
                height=64,
                width=64,
                output_type="np",
            ).images

    together = drawn(slice(None))
    for number in range(3):
        np.testing.assert_allclose(together[number], drawn(slice(number, number + 1))[0], atol=1e-9)
    assert np.abs(together[0] - together[1]).mean() > 0.001


def test_an_autoencoder_without_a_convolution_before_its_decoder_has_grey_latents() -> None:
    import torch

    from adapters.diffusion.additions.mask import GreyLatents

    vae: Any = parts(9)["vae"]
    vae.post_quant_conv = None

    found = GreyLatents().like(torch.zeros(1, 4, 8, 8, dtype=torch.float64), vae)
    assert found.shape == (1, 4, 8, 8)


def test_the_grey_latents_are_made_again_for_another_size_device_or_precision() -> None:
    import torch

    from adapters.diffusion.additions.mask import GreyLatents

    vae, grey = parts(9)["vae"], GreyLatents()
    small = torch.zeros(2, 4, 8, 8, dtype=torch.float64)
    first = grey.like(small, vae)
    assert grey.like(small, vae) is first
    assert grey.like(torch.zeros(1, 4, 8, 16), vae).shape == (1, 4, 8, 16)
    assert grey.like(small.float(), vae).dtype == torch.float32

    asked: list[Any] = []

    def encode(pixels: Any) -> Any:
        asked.append(pixels.device)
        raise LookupError("it was asked")

    vae.encode = encode
    with pytest.raises(LookupError):  # offloaded weights move to the device of their input
        grey.like(torch.zeros(1, 4, 8, 8, device="meta"), vae)
    assert asked == [torch.device("meta")]
