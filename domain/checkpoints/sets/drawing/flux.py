"""The transformers of FLUX.1 (Black Forest Labs), and of Chroma, which was made from it.

The shapes are those of black-forest-labs/flux (`util.py`, `model.py`) and of diffusers'
`FluxTransformer2DModel` and `ChromaTransformer2DModel`: a square of 2 × 2 latents is one token,
CLIP's summary goes to `vector_in`, and the states of T5 to `txt_in`. Chroma has a
`distilled_guidance_layer` in place of CLIP and of the guidance. ComfyUI recognises the same names
(`model_detection.py`).
"""

from collections.abc import Mapping
from types import MappingProxyType

from domain.checkpoints.sets.placed import SQUARE, Layout, PlacedComponent, View, transformer
from domain.checkpoints.sets.variants.by_header import DEV, SCHNELL
from domain.checkpoints.sets.words import FLUX_1
from domain.models.components import ComponentType, Need
from domain.models.kinds import ModelFamily

__all__ = ["chroma", "flux"]

_NAMES: Mapping[Layout, tuple[str, str, str, str]] = MappingProxyType(
    {
        Layout.ORIGINAL: (
            "double_blocks.0.img_attn.qkv.weight",
            "img_in.weight",
            "txt_in.weight",
            "final_layer.linear.weight",
        ),
        Layout.DIFFUSERS: (
            "transformer_blocks.0.attn.add_k_proj.weight",
            "x_embedder.weight",
            "context_embedder.weight",
            "proj_out.weight",
        ),
    }
)
"""A layer of a block, and the layers that take the latents and the prompt and give the latents."""
_SUMMARY: Mapping[Layout, str] = MappingProxyType(
    {
        Layout.ORIGINAL: "vector_in.in_layer.weight",
        Layout.DIFFUSERS: "time_text_embed.text_embedder.linear_1.weight",
    }
)
_GUIDANCE = ("guidance_in.", "time_text_embed.guidance_embedder.")
"""The input for the guidance, by the names of both layouts. FLUX.1 schnell has none."""
_MODULATION = "distilled_guidance_layer.in_proj.weight"
_MASK = 256
"""A Fill model takes 8 × 8 values of the mask for each latent of a square."""


def flux(view: View) -> PlacedComponent | None:
    """Recognise FLUX.1 dev and schnell, and what was made of them."""
    for layout, (block, pictures, texts, last) in _NAMES.items():
        summary = _SUMMARY[layout]
        if view.has(block, pictures, texts, last, summary):
            channels = view.rows(last) // SQUARE
            needs = (
                Need("text_encoder", ComponentType.CLIP, view.columns(summary)),
                Need("text_encoder_2", ComponentType.T5, view.columns(texts)),
                Need("vae", ComponentType.VAE_KL, channels, kind=FLUX_1),
            )
            problem = _problem(view.columns(pictures), view.rows(last))
            variant = DEV if view.has_any(*_GUIDANCE) else SCHNELL
            return transformer(
                view, layout, ModelFamily.FLUX, channels, needs, problem, variant=variant
            )
    return None


def chroma(view: View) -> PlacedComponent | None:
    """Recognise Chroma."""
    if not view.has(_MODULATION):
        return None
    for layout, (block, pictures, texts, last) in _NAMES.items():
        if view.has(block, pictures, texts, last):
            channels = view.rows(last) // SQUARE
            needs = (
                Need("text_encoder", ComponentType.T5, view.columns(texts)),
                Need("vae", ComponentType.VAE_KL, channels, kind=FLUX_1),
            )
            inputs = view.columns(pictures)
            problem = None if inputs == view.rows(last) else _unknown(inputs, "Chroma")
            return transformer(view, layout, ModelFamily.CHROMA, channels, needs, problem)
    if view.has_any("nerf_"):
        problem = "it is Chroma Radiance, which draws pixels without a VAE; choose Chroma"
        return transformer(view, Layout.ORIGINAL, ModelFamily.CHROMA, 3, (), problem)
    return None


def _problem(inputs: int, outputs: int) -> str | None:
    """Return why a variant cannot draw, by the numbers of each token that it takes and gives.

    Depth and Canny models also take the latents of the map. A Fill model takes those of the
    picture, and the mask.
    """
    if inputs == outputs:
        return None
    if inputs == 2 * outputs:
        return "it is FLUX.1 Depth or Canny, which needs a map of the picture; choose FLUX.1 dev"
    if inputs == 2 * outputs + _MASK:
        return "it is FLUX.1 Fill, which fills parts of a picture in its own way; choose FLUX.1 dev"
    return _unknown(inputs, "FLUX.1")


def _unknown(inputs: int, title: str) -> str:
    return f"its first layer takes {inputs} numbers, and that of no known {title} does"
