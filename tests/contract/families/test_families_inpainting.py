"""An inpainting checkpoint draws from text the same as diffusers' pipeline in a white mask."""

from typing import Any

import pytest

pytestmark = pytest.mark.torch


def parts(in_channels: int) -> dict[str, Any]:
    """Small networks with random weights, in float64: norms of a flat picture cancel in float32."""
    import torch
    from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel

    torch.manual_seed(0)
    unet = UNet2DConditionModel(
        sample_size=8,
        in_channels=in_channels,
        out_channels=4,
        block_out_channels=(8, 16),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        layers_per_block=1,
        norm_num_groups=4,
        cross_attention_dim=16,
        attention_head_dim=2,
    )
    vae = AutoencoderKL(
        block_out_channels=(4, 4, 4, 4),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=1,
        norm_num_groups=2,
        latent_channels=4,
    )
    scheduler = DDIMScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", clip_sample=False
    )
    return {"unet": unet.double(), "vae": vae.double(), "scheduler": scheduler, **NO_TEXT}


NO_TEXT = {
    "text_encoder": None,
    "tokenizer": None,
    "safety_checker": None,
    "feature_extractor": None,
    "requires_safety_checker": False,
}


def test_a_full_mask_matches_the_inpainting_pipeline_on_white() -> None:
    import numpy as np
    import torch
    from diffusers import StableDiffusionInpaintPipeline, StableDiffusionPipeline
    from PIL import Image

    from adapters.diffusion.families.inpainting import mask_whole_picture

    source = torch.Generator().manual_seed(1)
    words = torch.randn(2, 5, 16, generator=source, dtype=torch.float64)
    latents = torch.randn(1, 4, 8, 12, generator=source, dtype=torch.float64)
    call: dict[str, Any] = {
        "prompt_embeds": words[:1],
        "negative_prompt_embeds": words[1:],
        "num_inference_steps": 3,
        "height": 64,
        "width": 96,
        "output_type": "np",
    }
    theirs = StableDiffusionInpaintPipeline(**parts(9))
    theirs.set_progress_bar_config(disable=True)
    # It samples the grey picture's latents; with zero variance both results are the same.
    with torch.no_grad():
        theirs.vae.quant_conv.bias[4:] = -60
        theirs.vae.quant_conv.weight[4:] = 0
    white, grey = (Image.new("RGB", (96, 64), (level,) * 3) for level in (255, 128))
    expected = theirs(image=grey, mask_image=white, strength=1.0, latents=latents, **call).images

    pipeline = StableDiffusionPipeline(**parts(9))
    pipeline.set_progress_bar_config(disable=True)
    mask_whole_picture(pipeline)
    images = pipeline(latents=latents, **call).images
    assert images.shape == (1, 64, 96, 3)
    assert np.std(images) > 0.01
    np.testing.assert_allclose(images, expected, atol=1e-5)


def test_batches_and_sizes_may_change_from_call_to_call() -> None:
    import torch
    from diffusers import StableDiffusionPipeline

    from adapters.diffusion.families.inpainting import mask_whole_picture

    pipeline = StableDiffusionPipeline(**parts(9))
    pipeline.set_progress_bar_config(disable=True)
    mask_whole_picture(pipeline)
    words = torch.zeros(3, 5, 16, dtype=torch.float64)
    for count, height, width in ((1, 64, 64), (3, 64, 96), (2, 96, 64)):
        images = pipeline(
            prompt_embeds=words[:count],
            negative_prompt_embeds=words[:count],
            num_inference_steps=1,
            height=height,
            width=width,
            output_type="np",
        ).images
        assert images.shape == (count, height, width, 3)


def test_another_unet_is_refused() -> None:
    from diffusers import StableDiffusionPipeline

    from adapters.diffusion.families.inpainting import mask_whole_picture

    with pytest.raises(ValueError, match="takes 4 channels"):
        mask_whole_picture(StableDiffusionPipeline(**parts(4)))


def test_the_grey_picture_is_made_on_the_device_of_the_latents() -> None:
    """Offloaded weights move to it when they are needed."""
    import torch

    from adapters.diffusion.families.inpainting import mask_whole_picture
    from tests.contract.openvino.test_openvino import small_pipeline

    pipeline = small_pipeline(9)
    asked: list[Any] = []

    def encode(grey: Any) -> Any:
        asked.append(grey.device)
        raise LookupError("it was asked")

    pipeline.vae.encode = encode
    mask_whole_picture(pipeline)
    latents = torch.zeros(1, 4, 8, 8, device="meta")
    with pytest.raises(LookupError):
        pipeline.unet(latents, 1, torch.zeros(1, 5, 16, device="meta"))
    assert asked == [latents.device]
