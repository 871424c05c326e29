"""Builds the pipelines of FLUX.1 and of Chroma."""

from typing import Any

from diffusers import (
    AutoencoderKL,
    ChromaPipeline,
    ChromaTransformer2DModel,
    FlowMatchEulerDiscreteScheduler,
    FluxPipeline,
    FluxTransformer2DModel,
)
from transformers import CLIPTextModel, T5EncoderModel

from adapters.diffusion.loading.sets.clip_tokenizer import OPENAI_PAD, clip_tokenizer
from adapters.diffusion.loading.sets.parts import Parts
from adapters.diffusion.vocabularies.t5 import t5_tokenizer
from domain.checkpoints.sets.networks.autoencoders.autoencoder import FLUX_LATENTS, autoencoder_of
from domain.checkpoints.sets.networks.encoders.clip import clip_layout
from domain.checkpoints.sets.networks.encoders.t5 import t5_layout
from domain.checkpoints.sets.networks.flux import chroma_layout, flux_layout
from domain.checkpoints.sets.variants.by_header import CHROMA, DEV, SCHNELL, flux_variant

__all__ = ["read_chroma", "read_flux"]

_LENGTH = 512
"""The tokens of a prompt (black-forest-labs/FLUX.1-dev, `tokenizer_2/tokenizer_config.json`)."""


def read_flux(parts: Parts) -> Any:
    """Return the pipeline of FLUX.1."""
    transformer = parts.network("transformer", FluxTransformer2DModel, flux_layout)
    variant = flux_variant(
        DEV if transformer.config.guidance_embeds else SCHNELL, parts.file("transformer")
    )
    return FluxPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(**variant.scheduler),
        vae=parts.network("vae", AutoencoderKL, autoencoder_of(FLUX_LATENTS)),
        text_encoder=parts.network("text_encoder", CLIPTextModel, clip_layout("quick_gelu")),
        tokenizer=clip_tokenizer(OPENAI_PAD),
        text_encoder_2=parts.network("text_encoder_2", T5EncoderModel, t5_layout),
        tokenizer_2=t5_tokenizer(_LENGTH),
        transformer=transformer,
    )


def read_chroma(parts: Parts) -> Any:
    """Return the pipeline of Chroma, which reads prompts with T5 alone."""
    return ChromaPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(**CHROMA.scheduler),
        vae=parts.network("vae", AutoencoderKL, autoencoder_of(FLUX_LATENTS)),
        text_encoder=parts.network("text_encoder", T5EncoderModel, t5_layout),
        tokenizer=t5_tokenizer(_LENGTH),
        transformer=parts.network("transformer", ChromaTransformer2DModel, chroma_layout),
    )
