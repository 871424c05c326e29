"""The text encoders CLIP and T5.

Names of transformers (`CLIPTextModel`, `T5EncoderModel`) and of mlfoundations/open_clip. ComfyUI
tells them apart by the same tensors (`sd.py`, `detect_te_model`).
"""

from domain.checkpoints.sets.networks.encoders.t5 import has_t5_vocabulary
from domain.checkpoints.sets.placed import Layout, PlacedComponent, View
from domain.checkpoints.sets.words import PROJECTED, UNPROJECTED
from domain.models.components import Component, ComponentType

__all__ = ["clip", "t5"]

_CLIP_TOKENS = (
    (Layout.TRANSFORMERS, "text_model.embeddings.token_embedding.weight", "text_projection.weight"),
    (Layout.BARE, "embeddings.token_embedding.weight", "text_projection.weight"),
    (Layout.OPEN_CLIP, "token_embedding.weight", "text_projection"),
)
_CLIP_LAYERS = {
    Layout.TRANSFORMERS: "text_model.encoder.layers.0.mlp.fc1.weight",
    Layout.BARE: "encoder.layers.0.mlp.fc1.weight",
    Layout.OPEN_CLIP: "transformer.resblocks.0.mlp.c_fc.weight",
}
_CLIP_POSITIONS = {
    Layout.TRANSFORMERS: "text_model.embeddings.position_embedding.weight",
    Layout.BARE: "embeddings.position_embedding.weight",
    Layout.OPEN_CLIP: "positional_embedding",
}
_POSITIONS = 77
_T5_TOKENS = "shared.weight"
_T5_GATED = "encoder.block.0.layer.1.DenseReluDense.wi_0.weight"
_T5_DISTANCES = "encoder.block.{}.layer.0.SelfAttention.relative_attention_bias.weight"


def clip(view: View) -> PlacedComponent | None:
    """Recognise the text encoder of a CLIP, alone or with that of pictures."""
    found = (each for each in _CLIP_TOKENS if view.has(each[1], _CLIP_LAYERS[each[0]]))
    if (names := next(found, None)) is None:
        return None
    layout, tokens, projection = names
    positions = view.rows(_CLIP_POSITIONS[layout])
    problem = None
    if positions != _POSITIONS:
        problem = (
            f"it is a CLIP text encoder of {positions} tokens (Long-CLIP), and models are drawn "
            f"with those of {_POSITIONS}"
        )
    kind = PROJECTED if view.has(projection) else UNPROJECTED
    component = Component(ComponentType.CLIP, view.columns(tokens), kind=kind)
    return PlacedComponent(component, view.prefix, layout, problem=problem)


def t5(view: View) -> PlacedComponent | None:
    """Recognise the encoder of a T5 1.1, alone or with its decoder."""
    width = view.columns(_T5_TOKENS) or view.columns("encoder.embed_tokens.weight")
    tokens = view.rows(_T5_TOKENS) or view.rows("encoder.embed_tokens.weight")
    if not width or not view.has(_T5_DISTANCES.format(0)):
        return None
    problem = None
    if view.has(_T5_DISTANCES.format(1)):
        problem = "it is the text encoder uMT5, which only video models have; get T5 1.1"
    elif not view.has(_T5_GATED):
        problem = "it is a T5 of version 1.0, and models are drawn with T5 1.1"
    elif not has_t5_vocabulary(tokens):
        problem = f"it is a T5 with {tokens:,} tokens, such as mT5, and not T5 1.1"
    component = Component(ComponentType.T5, width)
    return PlacedComponent(component, view.prefix, Layout.TRANSFORMERS, problem=problem)
