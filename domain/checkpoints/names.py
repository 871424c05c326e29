"""Other names of tensors, and the names that replace them."""

from collections.abc import Mapping
from typing import TypeVar

from domain.checkpoints.unets.blocks import with_consecutive_blocks

__all__ = ["GUIDANCE_INPUT", "with_modern_names"]

_Tensor = TypeVar("_Tensor")

GUIDANCE_INPUT = (
    "model.diffusion_model.time_embed.cond_proj.weight",
    "model.diffusion_model.time_embedding.cond_proj.weight",
)
"""Two names of one tensor: the input of the guidance scale in a latent consistency model.

diffusers' script convert_diffusers_to_original_stable_diffusion.py knows no other name for it than
diffusers' own, which is the second.
"""

_CLIPS = ("cond_stage_model.transformer.", "conditioner.embedders.0.transformer.")
_PARTS = ("embeddings.", "encoder.", "final_layer_norm.")


def with_modern_names(tensors: Mapping[str, _Tensor]) -> dict[str, _Tensor]:
    """Return the tensors with the names that diffusers expects.

    Checkpoints that were converted with early transformers lack the `text_model.` in
    `cond_stage_model.transformer.text_model.embeddings…`. Many anime models of 2022 are such
    checkpoints. AUTOMATIC1111's web UI renames the same three prefixes (`sd_models.py`,
    `checkpoint_dict_replacements`). For the names of pruned UNets see `with_consecutive_blocks`.
    """
    return with_consecutive_blocks({_modern(name): each for name, each in tensors.items()})


def _modern(name: str) -> str:
    if name == GUIDANCE_INPUT[1]:
        return GUIDANCE_INPUT[0]
    for clip in _CLIPS:
        rest = name.removeprefix(clip)
        if rest != name and rest.startswith(_PARTS):
            return f"{clip}text_model.{rest}"
    return name
