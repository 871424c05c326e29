"""Tiny networks of random weights, and the tokenizers and schedules of their pipelines."""

from typing import Any

__all__ = [
    "CLIP",
    "CLIP_G",
    "CLIP_L",
    "OF_DEV",
    "TEXT",
    "clip",
    "clip_tokenizer",
    "flow",
    "t5",
    "t5_tokenizer",
    "vae",
]

TEXT = 128
"""The width of T5. Stable Diffusion 3 needs at least that of both CLIPs together."""
CLIP, CLIP_L, CLIP_G = 64, 48, 80
"""The widths of CLIP for FLUX.1, and of both for Stable Diffusion 3, as 3 to 5 there."""

OF_DEV = {
    "shift": 3.0,
    "use_dynamic_shifting": True,
    "base_shift": 0.5,
    "max_shift": 1.15,
    "base_image_seq_len": 256,
    "max_image_seq_len": 4096,
}


def flow(**options: Any) -> Any:
    """The scheduler of flow matching."""
    from diffusers import FlowMatchEulerDiscreteScheduler

    return FlowMatchEulerDiscreteScheduler(**options)


def vae(factor: float, shift: float) -> Any:
    """A VAE of 16 channels, with the factor and the shift of its latents."""
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        block_out_channels=(32, 32, 32, 32),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=2,
        norm_num_groups=32,
        latent_channels=16,
        scaling_factor=factor,
        shift_factor=shift,
        use_quant_conv=False,
        use_post_quant_conv=False,
    )


def clip(activation: str, width: int = CLIP, *, projected: bool = False) -> Any:
    """A text encoder of CLIP."""
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    kind = CLIPTextModelWithProjection if projected else CLIPTextModel
    return kind(
        CLIPTextConfig(
            hidden_size=width,
            intermediate_size=2 * width,
            num_hidden_layers=2,
            num_attention_heads=1,
            projection_dim=width,
            hidden_act=activation,
            bos_token_id=0,
            eos_token_id=2,
        )
    )


def t5() -> Any:
    """The encoder of a T5 1.1 with the real vocabulary."""
    from transformers import T5Config, T5EncoderModel

    return T5EncoderModel(
        T5Config(
            vocab_size=32128,
            d_model=TEXT,
            d_kv=64,
            d_ff=64,
            num_layers=2,
            num_heads=2,
            feed_forward_proj="gated-gelu",
            tie_word_embeddings=False,
        )
    )


def clip_tokenizer(pad: str) -> Any:
    """The tokenizer of CLIP that comes with the service."""
    from adapters.diffusion.loading.sets import clip_tokenizer as of_the_service

    return of_the_service.clip_tokenizer(pad)


def t5_tokenizer() -> Any:
    """The tokenizer of T5 that comes with the service."""
    from adapters.diffusion.vocabularies import t5 as of_the_service

    return of_the_service.t5_tokenizer(512)
