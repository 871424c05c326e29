"""The transformers of Lumina 2 (Alpha-VLLM), and of Z-Image (Tongyi-MAI), which has its form.

The modulation of a block is one linear layer in Z-Image (`adaLN_modulation.0`), and follows a
function in Lumina 2 (`adaLN_modulation.1`). diffusers renames the layers of Lumina 2, and keeps
those of Z-Image but the first and the last one (`single_file_utils.py`). ComfyUI's files of Z-Image
have the names of Lumina 2.
"""

from domain.checkpoints.sets.placed import SQUARE, Layout, PlacedComponent, View, transformer
from domain.checkpoints.sets.words import BASE, FLUX_1
from domain.models.components import ComponentType, Need
from domain.models.kinds import ModelFamily

__all__ = ["lumina_2", "z_image"]

_Z_IMAGE = (
    (Layout.ORIGINAL, "layers.0.attention.qkv.weight", "x_embedder.weight"),
    (Layout.DIFFUSERS, "layers.0.attention.to_q.weight", "all_x_embedder.2-1.weight"),
)
_LUMINA_2 = (
    (
        Layout.ORIGINAL,
        "layers.0.attention.qkv.weight",
        "layers.0.adaLN_modulation.1.weight",
        "cap_embedder.1.weight",
    ),
    (
        Layout.DIFFUSERS,
        "layers.0.attn.to_q.weight",
        "layers.0.norm1.linear.weight",
        "time_caption_embed.caption_embedder.1.weight",
    ),
)
_PICTURES = "x_embedder.weight"
_SEES_PICTURES = "siglip_embedder.1.weight"


def z_image(view: View) -> PlacedComponent | None:
    """Recognise Z-Image and Z-Image-Turbo, which have the same tensors."""
    for layout, attention, pictures in _Z_IMAGE:
        if view.has(
            attention, pictures, "layers.0.adaLN_modulation.0.weight", "cap_embedder.1.weight"
        ):
            channels = view.columns(pictures) // SQUARE
            needs = (
                Need("text_encoder", ComponentType.QWEN_3, view.columns("cap_embedder.1.weight")),
                Need("vae", ComponentType.VAE_KL, channels, kind=FLUX_1),
            )
            problem = None
            if view.has(_SEES_PICTURES):
                problem = "it is Z-Image-Omni, which also reads pictures; choose Z-Image"
            return transformer(view, layout, ModelFamily.Z_IMAGE, channels, needs, problem)
    return None


def lumina_2(view: View) -> PlacedComponent | None:
    """Recognise Lumina-Image 2.0, and what was made of it."""
    for layout, attention, modulation, texts in _LUMINA_2:
        if view.has(attention, modulation, texts, _PICTURES):
            channels = view.columns(_PICTURES) // SQUARE
            needs = (
                Need("text_encoder", ComponentType.GEMMA_2, view.columns(texts), kind=BASE),
                Need("vae", ComponentType.VAE_KL, channels, kind=FLUX_1),
            )
            return transformer(view, layout, ModelFamily.LUMINA_2, channels, needs)
    return None
