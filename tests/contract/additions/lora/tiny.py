"""Tiny pipelines of Stable Diffusion 1 and XL with random weights, without an autoencoder."""

from typing import Any

from adapters.diffusion.additions.lora.merging import network_modules
from domain.checkpoints.additions.network_modules import NetworkModule

__all__ = ["changeable", "tiny_sd_1", "tiny_sdxl"]


def tiny_sd_1() -> Any:
    """Return a pipeline of Stable Diffusion 1, whose projections are convolutions."""
    import torch
    from diffusers import DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
    from transformers import CLIPTextModel

    torch.manual_seed(0)
    return StableDiffusionPipeline(
        vae=None,
        tokenizer=None,
        text_encoder=CLIPTextModel(_text_config(24)),
        unet=UNet2DConditionModel(
            block_out_channels=(32, 64),
            down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
            up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
            layers_per_block=2,
            attention_head_dim=4,
            cross_attention_dim=24,
        ),
        scheduler=DDIMScheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def tiny_sdxl() -> Any:
    """Return a pipeline of SDXL. Its text encoders have different widths."""
    import torch
    from diffusers import DDIMScheduler, StableDiffusionXLPipeline, UNet2DConditionModel
    from transformers import CLIPTextModel, CLIPTextModelWithProjection

    torch.manual_seed(1)
    return StableDiffusionXLPipeline(
        vae=None,
        tokenizer=None,
        tokenizer_2=None,
        text_encoder=CLIPTextModel(_text_config(16)),
        text_encoder_2=CLIPTextModelWithProjection(_text_config(24)),
        unet=UNet2DConditionModel(
            block_out_channels=(32, 64, 64),
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
            layers_per_block=2,
            transformer_layers_per_block=(1, 1, 2),
            attention_head_dim=(2, 4, 4),
            cross_attention_dim=40,
            use_linear_projection=True,
            addition_embed_type="text_time",
            addition_time_embed_dim=8,
            projection_class_embeddings_input_dim=6 * 8 + 24,
        ),
        scheduler=DDIMScheduler(),
        add_watermarker=False,
    )


def _text_config(width: int) -> Any:
    from transformers import CLIPTextConfig

    return CLIPTextConfig(
        vocab_size=100,
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=2,
        num_attention_heads=2,
        projection_dim=width,
        bos_token_id=98,
        eos_token_id=99,
        pad_token_id=99,
    )


def changeable(pipeline: Any, *, convolutions: bool = True) -> list[NetworkModule]:
    """Return the modules of the pipeline with a matrix that trainers change."""
    return [
        module
        for module in network_modules(pipeline)
        if module.weight is not None
        and len(module.weight) > 1
        and "embeddings" not in module.name
        and module.name != "text_projection"
        and (convolutions or module.weight[2:] in ((), (1, 1)))
    ]
