"""Builds the pipeline of Stable Diffusion 3 and 3.5."""

from typing import Any

from diffusers import (
    AutoencoderKL,
    FlowMatchEulerDiscreteScheduler,
    SD3Transformer2DModel,
    StableDiffusion3Pipeline,
)
from transformers import CLIPTextModelWithProjection, T5EncoderModel

from adapters.diffusion.loading.sets.clip_tokenizer import (
    OPEN_CLIP_PAD,
    OPENAI_PAD,
    clip_tokenizer,
)
from adapters.diffusion.loading.sets.parts import Parts
from adapters.diffusion.vocabularies.t5 import t5_tokenizer
from domain.checkpoints.sets.networks.autoencoders.autoencoder import SD_3_LATENTS, autoencoder_of
from domain.checkpoints.sets.networks.encoders.clip import clip_layout
from domain.checkpoints.sets.networks.encoders.t5 import t5_layout
from domain.checkpoints.sets.networks.stable_diffusion_3 import sd3_layout
from domain.checkpoints.sets.variants.by_header import SD_3_SCHEDULE

__all__ = ["read_sd3"]

_LENGTH = 512
"""The tokens of a prompt that T5's tokenizer allows. The pipeline reads 256 of them."""


def read_sd3(parts: Parts) -> Any:
    """Return the pipeline of Stable Diffusion 3 or 3.5. It can draw without T5.

    Stability AI's code takes the vector of CLIP-L as it is, and multiplies that of CLIP-G with its
    matrix (Stability-AI/sd3.5, `sd3_infer.py`: `return_projected_pooled`).
    """
    transformer = parts.network("transformer", SD3Transformer2DModel, sd3_layout)
    kind = CLIPTextModelWithProjection
    first, second = (
        clip_layout("quick_gelu", projection="identity"),
        clip_layout("gelu", projection="file"),
    )
    has_t5 = "text_encoder_3" in parts
    return StableDiffusion3Pipeline(
        transformer=transformer,
        scheduler=FlowMatchEulerDiscreteScheduler(**SD_3_SCHEDULE),
        vae=parts.network("vae", AutoencoderKL, autoencoder_of(SD_3_LATENTS)),
        text_encoder=parts.network("text_encoder", kind, first),
        tokenizer=clip_tokenizer(OPENAI_PAD),
        text_encoder_2=parts.network("text_encoder_2", kind, second),
        tokenizer_2=clip_tokenizer(OPEN_CLIP_PAD),
        text_encoder_3=(
            parts.network("text_encoder_3", T5EncoderModel, t5_layout) if has_t5 else None
        ),
        tokenizer_3=t5_tokenizer(_LENGTH) if has_t5 else None,
    )
