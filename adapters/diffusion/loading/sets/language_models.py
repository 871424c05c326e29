"""Builds the pipelines whose prompts a language model reads.

Only the hidden states of the language model are used. So Qwen2.5-VL is built without what reads
pictures, and each of them without what makes words of its states.
"""

from typing import Any

from diffusers import (
    AutoencoderDC,
    AutoencoderKL,
    AutoencoderKLFlux2,
    AutoencoderKLQwenImage,
    DPMSolverMultistepScheduler,
    FlowMatchEulerDiscreteScheduler,
    Flux2KleinPipeline,
    Flux2Transformer2DModel,
    Lumina2Pipeline,
    Lumina2Transformer2DModel,
    QwenImagePipeline,
    QwenImageTransformer2DModel,
    SanaPipeline,
    SanaTransformer2DModel,
    ZImagePipeline,
    ZImageTransformer2DModel,
)
from transformers import Gemma2Model, Qwen3Model
from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import Qwen2_5_VLTextModel

from adapters.diffusion.loading.sets.gemma_tokenizer import gemma_tokenizer
from adapters.diffusion.loading.sets.parts import Parts
from adapters.diffusion.untrusted.chat_template import CHAT_TEMPLATE
from adapters.diffusion.vocabularies.qwen import qwen_2_5_tokenizer, qwen_3_tokenizer
from domain.checkpoints.sets.networks.autoencoders.autoencoder import FLUX_LATENTS, autoencoder_of
from domain.checkpoints.sets.networks.autoencoders.vae_dc import vae_dc_layout
from domain.checkpoints.sets.networks.autoencoders.vae_flux_2 import vae_flux_2_layout
from domain.checkpoints.sets.networks.autoencoders.vae_qwen_image import vae_qwen_image_layout
from domain.checkpoints.sets.networks.encoders.language_models import (
    gemma_2_layout,
    qwen_2_5_vl_layout,
    qwen_3_layout,
)
from domain.checkpoints.sets.networks.flux_2 import flux_2_layout
from domain.checkpoints.sets.networks.lumina_2 import lumina_2_layout
from domain.checkpoints.sets.networks.qwen_image import qwen_image_layout
from domain.checkpoints.sets.networks.sana import sana_layout
from domain.checkpoints.sets.networks.z_image import z_image_layout
from domain.checkpoints.sets.variants.by_name import (
    LUMINA_2,
    flux_2_variant,
    qwen_image_variant,
    sana_variant,
    z_image_variant,
)
from domain.errors import ModelNotLoadable

__all__ = ["read_flux_2", "read_lumina_2", "read_qwen_image", "read_sana", "read_z_image"]

_KLEIN_LAYERS = (9, 18, 27)
"""The layers whose states klein's transformer reads (`Flux2KleinPipeline`), side by side."""


def read_z_image(parts: Parts) -> Any:
    """Return the pipeline of Z-Image or Z-Image-Turbo."""
    variant = z_image_variant(parts.file("transformer"))
    transformer = parts.network("transformer", ZImageTransformer2DModel, z_image_layout)
    encoder = parts.network("text_encoder", Qwen3Model, qwen_3_layout)
    _check_width(transformer.config.cap_feat_dim, encoder)
    return ZImagePipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(**variant.scheduler),
        vae=parts.network("vae", AutoencoderKL, autoencoder_of(FLUX_LATENTS)),
        text_encoder=encoder,
        tokenizer=_chatting(qwen_3_tokenizer()),
        transformer=transformer,
    )


def read_qwen_image(parts: Parts) -> Any:
    """Return the pipeline of Qwen-Image."""
    variant = qwen_image_variant(parts.file("transformer"))
    transformer = parts.network("transformer", QwenImageTransformer2DModel, qwen_image_layout)
    encoder = parts.network("text_encoder", Qwen2_5_VLTextModel, qwen_2_5_vl_layout)
    _check_width(transformer.config.joint_attention_dim, encoder)
    return QwenImagePipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(**variant.scheduler),
        vae=parts.network("vae", AutoencoderKLQwenImage, vae_qwen_image_layout),
        text_encoder=encoder,
        tokenizer=qwen_2_5_tokenizer(),
        transformer=transformer,
    )


def read_flux_2(parts: Parts) -> Any:
    """Return the pipeline of FLUX.2 klein. The distilled model draws without guidance."""
    variant = flux_2_variant(parts.file("transformer"))
    transformer = parts.network("transformer", Flux2Transformer2DModel, flux_2_layout)
    encoder = parts.network("text_encoder", Qwen3Model, qwen_3_layout)
    _check_width(transformer.config.joint_attention_dim, encoder, len(_KLEIN_LAYERS))
    if encoder.config.num_hidden_layers < _KLEIN_LAYERS[-1]:
        raise ModelNotLoadable(
            f"its text encoder has {encoder.config.num_hidden_layers} layers; FLUX.2 klein reads "
            f"the states of layer {_KLEIN_LAYERS[-1]}"
        )
    return Flux2KleinPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(**variant.scheduler),
        vae=parts.network("vae", AutoencoderKLFlux2, vae_flux_2_layout),
        text_encoder=encoder,
        tokenizer=_chatting(qwen_3_tokenizer()),
        transformer=transformer,
        is_distilled=variant.guidance <= 1,
    )


def read_lumina_2(parts: Parts) -> Any:
    """Return the pipeline of Lumina 2."""
    transformer = parts.network("transformer", Lumina2Transformer2DModel, lumina_2_layout)
    encoder = parts.network("text_encoder", Gemma2Model, gemma_2_layout)
    _check_width(transformer.config.cap_feat_dim, encoder)
    return Lumina2Pipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(**LUMINA_2.scheduler),
        vae=parts.network("vae", AutoencoderKL, autoencoder_of(FLUX_LATENTS)),
        text_encoder=encoder,
        tokenizer=gemma_tokenizer(parts, encoder.config.vocab_size),
        transformer=transformer,
    )


def read_sana(parts: Parts) -> Any:
    """Return the pipeline of SANA."""
    transformer = parts.network("transformer", SanaTransformer2DModel, sana_layout)
    encoder = parts.network("text_encoder", Gemma2Model, gemma_2_layout)
    _check_width(transformer.config.caption_channels, encoder)
    variant = sana_variant(transformer.config)
    return SanaPipeline(
        scheduler=DPMSolverMultistepScheduler(**variant.scheduler),
        vae=parts.network("vae", AutoencoderDC, vae_dc_layout),
        text_encoder=encoder,
        tokenizer=gemma_tokenizer(parts, encoder.config.vocab_size),
        transformer=transformer,
    )


def _chatting(tokenizer: Any) -> Any:
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


def _check_width(wanted: int, encoder: Any, layers: int = 1) -> None:
    """Raise if the transformer reads vectors of another length than the text encoder gives."""
    width = encoder.config.hidden_size * layers
    if width != wanted:
        raise ModelNotLoadable(
            f"its text encoder gives {width} numbers for a token, and its transformer reads "
            f"{wanted}; it needs another text encoder",
            lasting=True,
        )
