"""Older names of tensors, and the names that replace them."""

from collections.abc import Mapping
from typing import TypeVar

__all__ = ["with_modern_names"]

_Tensor = TypeVar("_Tensor")

_CLIPS = ("cond_stage_model.transformer.", "conditioner.embedders.0.transformer.")
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
    for clip in _CLIPS:
        rest = name.removeprefix(clip)
        if rest != name and rest.startswith(_PARTS):
            return f"{clip}text_model.{rest}"
    return name
