"""A tiny Stable Diffusion XL model with random weights."""

from typing import Any

__all__ = ["WIDTH", "tiny_sdxl"]

WIDTH = 8
"""Of each text encoder."""


def tiny_sdxl(in_channels: int = 4) -> Any:
    """Return a pipeline with every part of SDXL, of the real classes, with tiny layers.

    The UNet takes this number of channels.
    """
    import torch
    from diffusers import (
        AutoencoderKL,
        EulerDiscreteScheduler,
        StableDiffusionXLPipeline,
        UNet2DConditionModel,
    )
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    from adapters.diffusion.devices.device import find_device
    from adapters.diffusion.loading.loader import load_pipeline
    from tests.contract.conftest import DEMO_MODEL

    torch.manual_seed(0)
    tokenizer = load_pipeline(DEMO_MODEL, find_device("cpu", "float32")).tokenizer
    text = CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=WIDTH,
        intermediate_size=WIDTH,
        num_hidden_layers=3,
        num_attention_heads=2,
        projection_dim=WIDTH,
        eos_token_id=tokenizer.eos_token_id,
    )
    blocks = (32, 32)
    tiny = StableDiffusionXLPipeline(
        vae=AutoencoderKL(
            block_out_channels=(32,) * 4,
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
            layers_per_block=1,
            force_upcast=True,
        ),
        text_encoder=CLIPTextModel(text),
        text_encoder_2=CLIPTextModelWithProjection(text),
        tokenizer=tokenizer,
        tokenizer_2=tokenizer,
        unet=UNet2DConditionModel(
            in_channels=in_channels,
            block_out_channels=blocks,
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
            layers_per_block=1,
            attention_head_dim=(2, 4),
            cross_attention_dim=2 * WIDTH,
            use_linear_projection=True,
            addition_embed_type="text_time",
            addition_time_embed_dim=WIDTH,
            projection_class_embeddings_input_dim=6 * WIDTH + WIDTH,
        ),
        scheduler=EulerDiscreteScheduler(
            beta_schedule="scaled_linear", timestep_spacing="leading", steps_offset=1
        ),
        add_watermarker=False,
    )
    tiny.set_progress_bar_config(disable=True)
    return tiny
