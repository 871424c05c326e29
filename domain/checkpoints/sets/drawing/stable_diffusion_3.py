"""The transformers of Stable Diffusion 3 and 3.5 (Stability AI).

The summaries of two CLIP text encoders lie side by side in `y_embedder`: 768 numbers of CLIP-L and
1,280 of CLIP-G. The states of T5 and of both go to `context_embedder`. T5 may be left out: the
authors' code then takes zeros (Stability-AI/sd3.5, `mmditx.py` and `sd3_infer.py`; diffusers,
`SD3Transformer2DModel` and `StableDiffusion3Pipeline`).
"""

from domain.checkpoints.sets.placed import Layout, PlacedComponent, View, transformer
from domain.checkpoints.sets.variants.by_header import SD_3_5_LARGE, SD_3_5_MEDIUM, SD_3_MEDIUM
from domain.checkpoints.sets.words import PROJECTED, SD_3
from domain.models.components import ComponentType, Need
from domain.models.kinds import ModelFamily

__all__ = ["stable_diffusion_3"]

_NAMES = (
    (
        Layout.ORIGINAL,
        "joint_blocks.0.context_block.attn.qkv.weight",
        "x_embedder.proj.weight",
        "y_embedder.mlp.0.weight",
        "final_layer.linear.weight",
    ),
    (
        Layout.DIFFUSERS,
        "transformer_blocks.0.attn.add_k_proj.weight",
        "pos_embed.proj.weight",
        "time_text_embed.text_embedder.linear_1.weight",
        "proj_out.weight",
    ),
)
_TEXTS = "context_embedder.weight"
_CLIP_L, _BOTH = 768, 2048


def stable_diffusion_3(view: View) -> PlacedComponent | None:
    """Recognise Stable Diffusion 3 medium, and 3.5 medium, large and turbo."""
    for layout, block, pictures, summaries, last in _NAMES:
        first = view.shape(pictures)
        if view.has(block, summaries, last, _TEXTS) and len(first) == 4:
            inputs, outputs = first[1], view.rows(last) // max(first[2] * first[3], 1)
            problem = None
            if inputs != outputs:
                problem = (
                    f"its first layer takes {inputs} channels, and that of Stable Diffusion 3 "
                    f"{outputs}; it draws from more than a prompt"
                )
            needs = _needs(view.columns(summaries), view.columns(_TEXTS), outputs)
            return transformer(
                view, layout, ModelFamily.SD_3, outputs, needs, problem, variant=_variant(view)
            )
    return None


def _variant(view: View) -> str:
    """Return which model it is: only 3.5 has norms of queries and keys, and only 3.5 medium has
    blocks with two attentions of pictures. The turbo has the tensors of 3.5 large.
    """
    if view.has_any("joint_blocks.0.x_block.attn2.", "transformer_blocks.0.attn2."):
        return SD_3_5_MEDIUM
    if view.has_any("joint_blocks.0.x_block.attn.ln_q.", "transformer_blocks.0.attn.norm_q."):
        return SD_3_5_LARGE
    return SD_3_MEDIUM


def _needs(summaries: int, texts: int, channels: int) -> tuple[Need, ...]:
    small = summaries * _CLIP_L // _BOTH  # a smaller network divides them in the same ratio
    return (
        # The authors' code takes the summary of CLIP-L as it is, whatever projection its file has
        # (Stability-AI/sd3.5, `sd3_infer.py`: `return_projected_pooled=False`).
        Need("text_encoder", ComponentType.CLIP, small),
        Need("text_encoder_2", ComponentType.CLIP, summaries - small, kind=PROJECTED),
        Need("text_encoder_3", ComponentType.T5, texts, is_optional=True),
        Need("vae", ComponentType.VAE_KL, channels, kind=SD_3),
    )
