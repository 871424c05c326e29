"""The transformers of SANA (NVIDIA): 0.6B, 1.6B, and 4.8B of SANA 1.5.

The text encoder is Gemma 2 2B, trained to follow instructions. The autoencoder is a deep
compression autoencoder of 32 channels (NVlabs/Sana, `diffusion/model/nets/sana_multi_scale.py`;
diffusers, `SanaTransformer2DModel`).
"""

from domain.checkpoints.sets.placed import Layout, PlacedComponent, View, transformer
from domain.checkpoints.sets.words import INSTRUCTED
from domain.models.components import ComponentType, Need
from domain.models.kinds import ModelFamily

__all__ = ["sana"]

_NAMES = (
    (
        Layout.ORIGINAL,
        "blocks.0.cross_attn.q_linear.weight",
        "blocks.0.mlp.inverted_conv.conv.weight",
        "x_embedder.proj.weight",
        "y_embedder.y_proj.fc1.weight",
    ),
    (
        Layout.DIFFUSERS,
        "transformer_blocks.0.attn1.to_q.weight",
        "transformer_blocks.0.ff.conv_inverted.weight",
        "patch_embed.proj.weight",
        "caption_projection.linear_1.weight",
    ),
)
_SPRINT = (
    "time_embed.guidance_embedder.linear_1.weight",
    "cfg_embedder.mlp.0.weight",
)


def sana(view: View) -> PlacedComponent | None:
    """Recognise SANA."""
    for layout, attention, convolution, pictures, texts in _NAMES:
        first = view.shape(pictures)
        if view.has(attention, convolution, texts) and len(first) == 4:
            needs = (
                Need("text_encoder", ComponentType.GEMMA_2, view.columns(texts), kind=INSTRUCTED),
                Need("vae", ComponentType.VAE_DC, first[1]),
            )
            problem = None
            if any(view.has(name) for name in _SPRINT):
                problem = (
                    "it is SANA-Sprint, which draws in one to four steps of its own; choose SANA"
                )
            return transformer(view, layout, ModelFamily.SANA, first[1], needs, problem)
    return None
