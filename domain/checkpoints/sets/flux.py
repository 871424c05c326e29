"""The transformers of FLUX.1 (Black Forest Labs) in the original and diffusers' names.

The shapes are those of black-forest-labs/flux (`util.py`, `model.py`) and of
`FluxTransformer2DModel` (diffusers): the latents of a 2 × 2 square are one token, CLIP's summary
goes to `vector_in`, and the states of T5 to `txt_in`. ComfyUI recognises the same names
(`model_detection.py`).
"""

from domain.checkpoints.sets.placed import Layout, PlacedComponent, View
from domain.checkpoints.sets.words import FLUX_1
from domain.models.components import Component, ComponentType, Need
from domain.models.kinds import ModelFamily

__all__ = ["flux"]

_SQUARE = 4
"""The latents of one token: a square of 2 × 2."""
_MARKERS = (
    (Layout.ORIGINAL, "double_blocks.0.img_attn.qkv.weight", "img_in", "txt_in"),
    (
        Layout.DIFFUSERS,
        "transformer_blocks.0.attn.add_k_proj.weight",
        "x_embedder",
        "context_embedder",
    ),
)
_SUMMARIES = {
    Layout.ORIGINAL: "vector_in.in_layer.weight",
    Layout.DIFFUSERS: "time_text_embed.text_embedder.linear_1.weight",
}
_OUTPUTS = {Layout.ORIGINAL: "final_layer.linear.weight", Layout.DIFFUSERS: "proj_out.weight"}
_SINGLE = {Layout.ORIGINAL: "single_blocks.", Layout.DIFFUSERS: "single_transformer_blocks."}


def flux(view: View) -> PlacedComponent | None:
    """Recognise FLUX.1 dev and schnell, and what was made of them."""
    for layout, marker, pictures, texts in _MARKERS:
        summary = _SUMMARIES[layout]
        if view.has(marker, f"{pictures}.weight", f"{texts}.weight", summary) and view.has_any(
            _SINGLE[layout]
        ):
            return _placed(view, layout, f"{pictures}.weight", f"{texts}.weight", summary)
    return None


def _placed(view: View, layout: Layout, pictures: str, texts: str, summary: str) -> PlacedComponent:
    channels = view.rows(_OUTPUTS[layout]) // _SQUARE or view.columns(pictures) // _SQUARE
    needs = (
        Need("text_encoder", ComponentType.CLIP, view.columns(summary)),
        Need("text_encoder_2", ComponentType.T5, view.columns(texts)),
        Need("vae", ComponentType.VAE_KL, channels, kind=FLUX_1),
    )
    return PlacedComponent(
        Component(ComponentType.TRANSFORMER, channels, needs, "FluxPipeline"),
        view.prefix,
        layout,
        ModelFamily.FLUX,
        _problem(view.columns(pictures), channels * _SQUARE),
    )


def _problem(inputs: int, outputs: int) -> str | None:
    """Return why a variant cannot draw, by the numbers of each token that it takes and gives.

    A Fill model also takes the latents of the picture and 8 × 8 values of the mask for each latent.
    Control models (Depth, Canny) take the latents of the map.
    """
    if inputs == outputs:
        return None
    if inputs == 2 * outputs:
        return "it is FLUX.1 Depth or Canny, which needs a map of the picture; choose FLUX.1 dev"
    if inputs == 2 * outputs + 256:
        return "it is FLUX.1 Fill, which fills parts of a picture in its own way; choose FLUX.1 dev"
    return f"its first layer takes {inputs} numbers, and no known variant of FLUX.1 does"
