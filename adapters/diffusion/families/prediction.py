"""What a checkpoint was trained to predict: noise or velocity, and up to how much noise."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from domain.models.record import ModelFamily

__all__ = ["Prediction", "prediction_of"]

_PROBE = "model.diffusion_model.output_blocks.11.1.transformer_blocks.0.norm1.bias"
_VELOCITY_ABOVE = 0.09


@dataclass(frozen=True, slots=True)
class Prediction:
    """How a checkpoint was trained.

    Attributes:
        velocity: It predicts velocity (Salimans and Ho, arXiv:2202.00512), not noise.
        zero_terminal_snr: Its schedule ends in pure noise (Lin et al., arXiv:2305.08891).
    """

    velocity: bool
    zero_terminal_snr: bool = False


def prediction_of(
    family: ModelFamily, weights: Mapping[str, Any], metadata: Mapping[str, str]
) -> Prediction | None:
    """What the file says about its training; None when it says nothing and the family decides.

    In this order: the empty tensors `v_pred` and `ztsnr`, by which trainers mark newer checkpoints
    and ComfyUI knows them (`supported_models.py`); the metadata `modelspec.prediction_type` of
    Stability AI's ModelSpec 1.0 or `modelspec.predict_key`, which ComfyUI writes. For SD 2.x, whose
    two forms have the same tensors, last the spread of one bias: above 0.09 in those that predict
    velocity. That is ComfyUI's rule too, found by looking at checkpoints and not from a principle.

    Args:
        family: What the checkpoint's header was classified as.
        weights: Its tensors (torch's) by their names in the file.
        metadata: The texts beside them in a safetensors file.
    """
    if "v_pred" in weights:
        return Prediction(velocity=True, zero_terminal_snr="ztsnr" in weights)
    told = metadata.get("modelspec.prediction_type") or metadata.get("modelspec.predict_key") or ""
    if told:
        return Prediction(velocity=told.lower().startswith("v"))
    if family in (ModelFamily.SD_2, ModelFamily.SD_2_V) and _PROBE in weights:
        spread = weights[_PROBE].float().std(correction=0).item()
        return Prediction(velocity=spread > _VELOCITY_ABOVE)
    return None
