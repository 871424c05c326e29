"""Which models can be used beside which checkpoints, by their kinds and families alone."""

from collections.abc import Mapping
from types import MappingProxyType

from domain.models.kinds import base_family
from domain.models.record import ModelFamily, ModelKind, ModelRecord

__all__ = ["TITLES", "is_for", "kind_problem"]

TITLES: Mapping[ModelKind, str] = MappingProxyType(
    {
        ModelKind.CHECKPOINT: "a checkpoint",
        ModelKind.DIFFUSION_MODEL: "a diffusion model",
        ModelKind.TEXT_ENCODER: "a text encoder",
        ModelKind.LORA: "a LoRA",
        ModelKind.VAE: "a VAE",
        ModelKind.EMBEDDING: "an embedding",
        ModelKind.CONTROLNET: "a ControlNet",
        ModelKind.UPSCALER: "an upscaler",
        ModelKind.UNKNOWN: "a file of an unknown kind",
    }
)
"""What a model of each kind is, in words."""
_SAME_LATENTS = frozenset({ModelFamily.SD_1, ModelFamily.SD_2})
"""The families whose VAEs can be exchanged: both have the one of Stable Diffusion 1."""


def kind_problem(model: ModelRecord, checkpoint: ModelRecord, wanted: ModelKind) -> str | None:
    """Return why a model cannot be the add-on `wanted` of a checkpoint; None if it can.

    The sentence follows the name of the field. No file is read.
    """
    title = TITLES[wanted]
    if model.kind is not wanted:
        return (
            f"is {model.name}, which is {TITLES[model.kind]} and not {title}; choose {title} "
            f"for {checkpoint.name}"
        )
    if not model.usable:
        return f"is {model.name}, which cannot be used: {model.reason}"
    if not checkpoint.schedulers:
        return (
            f"is {model.name}, and {checkpoint.name} draws without add-ons: only checkpoints "
            "of Stable Diffusion 1, 2 and XL draw with them; leave it out, or choose another "
            "checkpoint"
        )
    base, family = model.base, checkpoint.family
    if base is not None and family is not None and not is_for(model, base_family(family)):
        return (
            f"is {model.name}, {title} for {base}, and {checkpoint.name} is of the family "
            f"{family}; choose {title} for {base_family(family)}, or another checkpoint"
        )
    return None


def is_for(model: ModelRecord, base: ModelFamily | None) -> bool:
    """Return whether an add-on is for checkpoints with this base."""
    if model.kind is ModelKind.VAE and {model.base, base} <= _SAME_LATENTS:
        return True
    return model.base is base
