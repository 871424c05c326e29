"""The three networks: the real architecture's classes at a size that two cores can train."""

from __future__ import annotations

from typing import Any, Final

import torch
from diffusers import AutoencoderKL, DDPMScheduler, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel

__all__ = [
    "LATENT_FACTOR",
    "MAX_TOKENS",
    "SCHEDULER_CONFIG",
    "autocast",
    "device",
    "fast_dtype",
    "make_autoencoder",
    "make_noise_schedule",
    "make_text_encoder",
    "make_unet",
    "parameter_count",
]

LATENT_FACTOR: Final = 8
MAX_TOKENS: Final = 77
TEXT_WIDTH: Final = 128

# The noise schedule that Stable Diffusion 1 was trained with, except its end: with 0.012 the
# noisiest time keeps 7 % of the picture, and the model draws what the first noise happens to look
# like instead of the prompt; with 0.02 it keeps 1.5 % (Lin et al. 2023, «Common Diffusion Noise
# Schedules and Sample Steps are Flawed»). The service can use any of its samplers.
SCHEDULER_CONFIG: Final[dict[str, Any]] = {
    "_class_name": "DPMSolverMultistepScheduler",
    "num_train_timesteps": 1000,
    "beta_start": 0.00085,
    "beta_end": 0.02,
    "beta_schedule": "scaled_linear",
    "prediction_type": "epsilon",
    "algorithm_type": "dpmsolver++",
    "solver_order": 2,
    "steps_offset": 1,
    "clip_sample": False,
}


def device() -> torch.device:
    """Return the device to train on: the first CUDA device, or the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def fast_dtype(where: torch.device) -> torch.dtype:
    """Return bfloat16 if the CPU has instructions for it; emulated, it takes ten times as long."""
    names = ("avx512_bf16", "amx_bf16", "bf16")
    there = torch.cpu.get_capabilities()
    in_hardware = where.type != "cpu" or any(there.get(name) for name in names)
    return torch.bfloat16 if in_hardware else torch.float32


def autocast(where: torch.device) -> torch.autocast:
    """Compute in the fastest precision that keeps float32's range."""
    return torch.autocast(where.type, torch.bfloat16, enabled=fast_dtype(where) == torch.bfloat16)


def make_autoencoder(scaling_factor: float = 1.0) -> AutoencoderKL:
    """Build the autoencoder: 4 latent channels, an eighth of the picture's size.

    Without attention in its middle it is fully convolutional, so what it learns on crops applies to
    whole pictures.
    """
    return AutoencoderKL(
        in_channels=3,
        out_channels=3,
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=(16, 32, 64, 64),
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=4,
        sample_size=256,
        scaling_factor=scaling_factor,
        mid_block_add_attention=False,
    )


def make_unet() -> UNet2DConditionModel:
    """Build the denoiser: attention only below the full resolution, which two cores can afford."""
    return UNet2DConditionModel(
        sample_size=32,
        in_channels=4,
        out_channels=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        block_out_channels=(48, 96, 144),
        layers_per_block=1,
        norm_num_groups=4,
        cross_attention_dim=TEXT_WIDTH,
        # diffusers' name for the number of heads, per level: 48 channels each.
        attention_head_dim=(1, 2, 3),
    )


def make_text_encoder(vocabulary_size: int, end_token: int) -> CLIPTextModel:
    """Build the text encoder for a vocabulary whose last entry, `end_token`, also pads."""
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=vocabulary_size,
            hidden_size=TEXT_WIDTH,
            intermediate_size=TEXT_WIDTH * 4,
            projection_dim=TEXT_WIDTH,
            num_hidden_layers=3,
            num_attention_heads=4,
            max_position_embeddings=MAX_TOKENS,
            hidden_act="quick_gelu",
            bos_token_id=end_token - 1,
            eos_token_id=end_token,
            pad_token_id=end_token,
        )
    )


def make_noise_schedule() -> DDPMScheduler:
    """Build the training side of SCHEDULER_CONFIG."""
    names = ("num_train_timesteps", "beta_start", "beta_end", "beta_schedule", "prediction_type")
    return DDPMScheduler(**{name: SCHEDULER_CONFIG[name] for name in names})


def parameter_count(module: torch.nn.Module) -> int:
    """Count a module's parameters."""
    return sum(parameter.numel() for parameter in module.parameters())
