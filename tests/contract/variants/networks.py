"""Tiny networks of random weights with the blocks of published models, and their families.

The blocks are those of these sources: segmind/SSD-1B and Segmind-Vega (also ComfyUI's
`model_detection.py`, and `convert_sdxl_to_ssd` of AUTOMATIC1111's web UI), etri-vilab's KOALA
(ComfyUI), and Nota-NetsPresso/BK-SDM (`src/unet_config`), whose base is Segmind's small-sd.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from domain.checkpoints.families import FAMILIES, FamilyFacts, TextEncoderFacts
from domain.models.kinds import ModelFamily

__all__ = ["VARIANTS", "Variant", "tiny_family", "tiny_parts", "tiny_unet"]

_DOWN, _CROSS_DOWN = "DownBlock2D", "CrossAttnDownBlock2D"
_UP, _CROSS_UP = "UpBlock2D", "CrossAttnUpBlock2D"
_WIDTHS = (16, 32)
"""Of the text encoders. diffusers tells them apart by their widths."""
_POOLED = 1280
_VAE_WIDTHS = (32, 32, 32, 32)


@dataclass(frozen=True)
class Variant:
    """A published model, with fewer channels.

    Attributes:
        family: Its family.
        unet: The fields of its UNet's configuration in which it differs from the family's.
        has_gaps: Whether its file counts three blocks for each level.
        seed: Of its weights. Files of the same bytes would have the same id.
    """

    family: ModelFamily
    unet: Mapping[str, Any] = field(default_factory=dict)
    has_gaps: bool = False
    seed: int = 0


_SMALL = {
    "layers_per_block": 1,
    "block_out_channels": (32, 32, 64, 64),
    "down_block_types": (_CROSS_DOWN, _CROSS_DOWN, _CROSS_DOWN, _DOWN),
    "up_block_types": (_UP, _CROSS_UP, _CROSS_UP, _CROSS_UP),
}
_TINY = {
    "layers_per_block": 1,
    "mid_block_type": None,
    "block_out_channels": (32, 32, 64),
    "down_block_types": (_CROSS_DOWN,) * 3,
    "up_block_types": (_CROSS_UP,) * 3,
}
_LARGE = {
    "block_out_channels": (32, 32, 64),
    "down_block_types": (_DOWN, _CROSS_DOWN, _CROSS_DOWN),
    "up_block_types": (_CROSS_UP, _CROSS_UP, _UP),
}
VARIANTS: Mapping[str, Variant] = MappingProxyType(
    {
        "sd-1": Variant(ModelFamily.SD_1),
        "sd-2": Variant(ModelFamily.SD_2),
        "sd-2-v": Variant(ModelFamily.SD_2_V, seed=1),
        "sdxl": Variant(ModelFamily.SDXL, _LARGE),
        "ssd-1b": Variant(
            ModelFamily.SDXL,
            {
                **_LARGE,
                "mid_block_type": "UNetMidBlock2D",
                "transformer_layers_per_block": [1, [2, 2], [3, 3]],
                "reverse_transformer_layers_per_block": [[3, 3, 4], [2, 1, 1], 1],
            },
        ),
        "segmind-vega": Variant(
            ModelFamily.SDXL,
            {
                **_LARGE,
                "mid_block_type": "UNetMidBlock2D",
                "transformer_layers_per_block": [1, 1, 2],
            },
        ),
        "koala-700m": Variant(
            ModelFamily.SDXL,
            {
                **_LARGE,
                "layers_per_block": 1,
                "mid_block_type": None,
                "transformer_layers_per_block": [1, 2, 3],
            },
        ),
        "koala-1b": Variant(
            ModelFamily.SDXL,
            {**_LARGE, "layers_per_block": 1, "transformer_layers_per_block": [1, 2, 3]},
            has_gaps=True,
        ),
        "small-sd": Variant(ModelFamily.SD_1, _SMALL),
        "small-sd with gaps": Variant(ModelFamily.SD_1, _SMALL, has_gaps=True),
        "bk-sdm-small": Variant(ModelFamily.SD_1, {**_SMALL, "mid_block_type": None}),
        "tiny-sd": Variant(ModelFamily.SD_1, _TINY),
        "tiny-sd with gaps": Variant(ModelFamily.SD_1, _TINY, has_gaps=True),
        "bk-sdm-v2-tiny": Variant(
            ModelFamily.SD_2_V, {**_TINY, "attention_head_dim": (1, 1, 1)}, has_gaps=True
        ),
        "lcm": Variant(ModelFamily.SD_1, {"time_cond_proj_dim": 256}),
        "unclip-l": Variant(
            ModelFamily.SD_2_V,
            {"class_embed_type": "projection", "projection_class_embeddings_input_dim": 1536},
        ),
        "sd-1-inpaint": Variant(ModelFamily.SD_1_INPAINT, {"in_channels": 9}),
        "sd-2-inpaint": Variant(ModelFamily.SD_2_INPAINT, {"in_channels": 9}),
        "sdxl-inpaint": Variant(ModelFamily.SDXL_INPAINT, {**_LARGE, "in_channels": 9}),
        "pix2pix": Variant(ModelFamily.SD_1_PIX2PIX, {"in_channels": 8}),
        "sdxl-pix2pix": Variant(ModelFamily.SDXL_PIX2PIX, {**_LARGE, "in_channels": 8}),
    }
)


def tiny_family(family: ModelFamily) -> FamilyFacts:
    """Return the facts of a family, with tiny text encoders and a tiny VAE."""
    facts = FAMILIES[family]
    encoders = tuple(map(_tiny, facts.text_encoders, _WIDTHS))
    context = sum(each.width for each in encoders)
    return replace(
        facts,
        unet=replace(facts.unet, context=context, sample_size=32),
        text_encoders=encoders,
        vae_widths=_VAE_WIDTHS,
    )


def _tiny(encoder: TextEncoderFacts, width: int) -> TextEncoderFacts:
    projection = _POOLED if encoder.projected else width
    return replace(encoder, width=width, layers=2, heads=2, projection=projection)


def tiny_unet(variant: Variant) -> Any:
    """Return the UNet of a variant with random weights, as diffusers' class builds it."""
    import torch
    from diffusers import UNet2DConditionModel

    torch.manual_seed(variant.seed)
    return UNet2DConditionModel(**_unet(tiny_family(variant.family), variant))


def tiny_parts(variant: Variant) -> dict[str, Any]:
    """Return the networks of a variant with random weights, as diffusers' classes build them."""
    from diffusers import AutoencoderKL
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    facts = tiny_family(variant.family)
    parts: dict[str, Any] = {
        "unet": tiny_unet(variant),
        "vae": AutoencoderKL(
            block_out_channels=_VAE_WIDTHS,
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
            layers_per_block=2,
            scaling_factor=facts.latent_factor,
        ),
    }
    for suffix, encoder in zip(("", "_2"), facts.text_encoders, strict=False):
        kind = CLIPTextModelWithProjection if encoder.projected else CLIPTextModel
        parts[f"text_encoder{suffix}"] = kind(
            CLIPTextConfig(
                hidden_size=encoder.width,
                intermediate_size=4 * encoder.width,
                num_hidden_layers=encoder.layers,
                num_attention_heads=encoder.heads,
                hidden_act=encoder.activation,
                projection_dim=encoder.projection,
                bos_token_id=0,
                eos_token_id=2,
            )
        )
    return {name: part.eval().requires_grad_(False) for name, part in parts.items()}


def _unet(facts: FamilyFacts, variant: Variant) -> dict[str, Any]:
    levels = 3 if facts.unet.sized else 4
    fields: dict[str, Any] = {
        "sample_size": 32,
        "block_out_channels": (32, 32, 64, 64),
        "attention_head_dim": 8 if not facts.unet.linear else (1,) * levels,
        "cross_attention_dim": facts.unet.context,
        "use_linear_projection": facts.unet.linear,
        "upcast_attention": bool(facts.unet.upcast),
    }
    if facts.unet.sized:
        fields |= {
            "attention_head_dim": (1, 1, 1),
            "transformer_layers_per_block": [1, 2, 3],
            "addition_embed_type": "text_time",
            "addition_time_embed_dim": 256,
            "projection_class_embeddings_input_dim": 6 * 256 + _POOLED,
        }
    return fields | dict(variant.unet)
