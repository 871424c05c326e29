"""The transformers of FLUX.2 (Black Forest Labs).

FLUX.2 shares one modulation among all blocks, and takes three layers of its text encoder side by
side: Qwen3-4B or Qwen3-8B for klein, and Mistral for dev, which alone has an input for the guidance
(black-forest-labs/flux2, `model.py` and `util.py`; diffusers, `Flux2Transformer2DModel`).
"""

from domain.checkpoints.sets.placed import SQUARE, Layout, PlacedComponent, View, transformer
from domain.models.components import ComponentType, Need
from domain.models.kinds import ModelFamily

__all__ = ["flux_2"]

_NAMES = (
    (
        Layout.ORIGINAL,
        "double_stream_modulation_img.lin.weight",
        "img_in.weight",
        "txt_in.weight",
        "guidance_in.in_layer.weight",
    ),
    (
        Layout.DIFFUSERS,
        "double_stream_modulation_img.linear.weight",
        "x_embedder.weight",
        "context_embedder.weight",
        "time_guidance_embed.guidance_embedder.linear_1.weight",
    ),
)
_LAYERS = 3
"""The layers of the text encoder that a token of the prompt has side by side."""


def flux_2(view: View) -> PlacedComponent | None:
    """Recognise FLUX.2 klein and dev."""
    for layout, modulation, pictures, texts, guidance in _NAMES:
        if view.has(modulation, pictures, texts):
            channels, width = view.columns(pictures) // SQUARE, view.columns(texts)
            needs = (
                Need("text_encoder", ComponentType.QWEN_3, width // _LAYERS),
                Need("vae", ComponentType.VAE_KL_FLUX_2, channels),
            )
            problem = None
            if view.has(guidance):
                problem = (
                    "it is FLUX.2 dev, whose text encoder is Mistral, and nothing here draws with "
                    "that; choose FLUX.2 klein"
                )
            elif width % _LAYERS:
                problem = f"it takes {width} numbers for a token, and no known FLUX.2 does"
            return transformer(view, layout, ModelFamily.FLUX_2, channels, needs, problem)
    return None
