"""Small networks with random weights, of UNets that take further channels."""

from typing import Any

__all__ = ["NO_TEXT", "parts", "quiet"]

NO_TEXT: dict[str, Any] = {
    "text_encoder": None,
    "tokenizer": None,
    "safety_checker": None,
    "feature_extractor": None,
    "requires_safety_checker": False,
}


def parts(in_channels: int) -> dict[str, Any]:
    """Return the components, in float64: norms of a flat picture cancel in float32."""
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
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        clip_sample=False,
        steps_offset=1,  # some pipelines set it, and others do not
    )
    return {"unet": unet.double(), "vae": vae.double(), "scheduler": scheduler, **NO_TEXT}


def quiet(pipeline: Any) -> Any:
    """Return the pipeline without its progress bar."""
    pipeline.set_progress_bar_config(disable=True)
    return pipeline
