"""Older names of tensors, and the names that replace them."""

from collections.abc import Mapping
from typing import TypeVar

__all__ = ["with_modern_names"]

_Tensor = TypeVar("_Tensor")

_CLIP = "cond_stage_model.transformer."
_PARTS = ("embeddings.", "encoder.", "final_layer_norm.")


def with_modern_names(tensors: Mapping[str, _Tensor]) -> dict[str, _Tensor]:
    """Return the tensors with the names that diffusers expects for the text encoder.

    Checkpoints that were converted with early transformers lack the `text_model.` in
    `cond_stage_model.transformer.text_model.embeddings…`. Many anime models of 2022 are such
    checkpoints. AUTOMATIC1111's web UI renames the same three prefixes (`sd_models.py`,
    `checkpoint_dict_replacements`).
    """
    return {_modern(name): tensor for name, tensor in tensors.items()}


def _modern(name: str) -> str:
    rest = name.removeprefix(_CLIP)
    return f"{_CLIP}text_model.{rest}" if rest != name and rest.startswith(_PARTS) else name
