"""Language models as text encoders: Qwen3, Qwen2.5-VL and Gemma 2, in the names of transformers.

Qwen3 normalises queries and keys, Qwen2.5 has biases in front of its attention, and Gemma 2 norms
round its feed-forward networks (`models/qwen3`, `models/qwen2_5_vl`, `models/gemma2`). ComfyUI
tells them apart so too (`sd.py`, `detect_te_model`).
"""

from domain.checkpoints.sets.placed import Layout, PlacedComponent, View
from domain.checkpoints.sets.words import WITH_VISION
from domain.models.components import Component, ComponentType

__all__ = ["NO_TOKENIZER", "TOKENIZER", "language_model"]

_STARTS = ("model.language_model.", "language_model.model.", "language_model.", "model.", "")
"""What precedes the layers of a language model."""
_VISION = ("visual.", "model.visual.", "vision_tower.", "model.vision_tower.")
TOKENIZER = "spiece_model"
"""The tensor with a tokenizer of SentencePiece in ComfyUI's files of Gemma."""
NO_TOKENIZER = (
    "it is Gemma 2 without its tokenizer, whose licence is not open, so the service has none. "
    "ComfyUI's gemma_2_2b_fp16.safetensors holds it, and so does the diffusers folder of a model"
)
"""Why a text encoder cannot be used."""
_TOKENS, _ATTENTION = "embed_tokens.weight", "layers.0.self_attn."


def language_model(view: View) -> PlacedComponent | None:
    """Recognise a language model, alone or with the part that reads pictures."""
    for start in _STARTS:
        width = view.columns(f"{start}{_TOKENS}")
        if width and view.has(f"{start}{_ATTENTION}q_proj.weight"):
            break
    else:
        return None
    inner = View(view.tensors, view.prefix + start)
    sees = view.has_any(*_VISION)
    kind, problem = _type(inner, sees=sees)
    if kind is ComponentType.GEMMA_2 and problem is None and not _has_tokenizer(view):
        problem = NO_TOKENIZER
    which = WITH_VISION if kind is ComponentType.QWEN_2_5_VL and sees else ""
    component = Component(kind, width, kind=which)
    return PlacedComponent(component, view.prefix, Layout.TRANSFORMERS, problem=problem)


def _has_tokenizer(view: View) -> bool:
    """Return whether the file has a tokenizer, beside the text encoder or among its tensors."""
    return any(name.rpartition(".")[2] == TOKENIZER for name in view.tensors)


def _type(inner: View, *, sees: bool) -> tuple[ComponentType, str | None]:
    is_normed = inner.has(f"{_ATTENTION}q_norm.weight")
    if inner.has("layers.0.pre_feedforward_layernorm.weight"):
        problem = _other("Gemma 3") if is_normed else None
        return ComponentType.GEMMA_2, problem
    if is_normed:
        return ComponentType.QWEN_3, _other("Qwen3-VL") if sees else None
    if inner.has(f"{_ATTENTION}q_proj.bias"):
        return ComponentType.QWEN_2_5_VL, None
    # The type has no meaning with a problem.
    return ComponentType.QWEN_3, _other("Mistral or Llama")


def _other(title: str) -> str:
    return f"it is the language model {title}, and no model that draws here reads prompts with it"
