"""What a checkpoint was trained to predict, and its largest noise level.

Listing and loading use the same function, so they cannot disagree.
"""

import math
import statistics
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass

from domain.models.record import ModelFamily

__all__ = ["PROBE", "Prediction", "prediction_of"]

PROBE = "model.diffusion_model.output_blocks.11.1.transformer_blocks.0.norm1.bias"
"""The tensor whose values distinguish the two forms of Stable Diffusion 2 checkpoints."""

_VELOCITY_ABOVE = 0.09
_STEPS_OF_512_BASE = "875000"


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
    family: ModelFamily,
    names: Container[str],
    metadata: Mapping[str, str],
    probe: Sequence[float] | None = None,
) -> Prediction | None:
    """Return what the file says about its training, or None if the family decides.

    The first of these that the file has decides:

    1. The empty tensors `v_pred` and `ztsnr`. Trainers mark newer checkpoints with them, and
       ComfyUI reads them (`supported_models.py`).
    2. The metadata `modelspec.prediction_type` of Stability AI's ModelSpec 1.0, or
       `modelspec.predict_key`, which ComfyUI writes.
    3. For Stable Diffusion 2, whose two forms have the same names and shapes: the metadata
       `modelspec.architecture`; then the spread of one bias, which is above 0.09 in checkpoints
       that predict velocity; then the training step, by which diffusers recognises
       512-base-ema.ckpt (875,000). The bias is ComfyUI's rule. It was found by looking at
       checkpoints, not derived from a principle.

    A Stable Diffusion 2 file without any of them counts as 768-v, as in diffusers and SwarmUI.

    Args:
        family: The family by the header; `SD_2` and `SD_2_V` count as one here.
        names: The names of the file's tensors.
        metadata: The texts beside the tensors.
        probe: The values of the tensor `PROBE`; None if the file lacks it.
    """
    if "v_pred" in names:
        return Prediction(velocity=True, zero_terminal_snr="ztsnr" in names)
    told = metadata.get("modelspec.prediction_type") or metadata.get("modelspec.predict_key") or ""
    if told:
        return Prediction(velocity=told.lower().startswith("v"))
    if family not in (ModelFamily.SD_2, ModelFamily.SD_2_V):
        return None
    architecture = metadata.get("modelspec.architecture", "")
    if "v2-512" in architecture or "v2-768" in architecture:
        return Prediction(velocity="v2-768" in architecture)
    if probe and all(map(math.isfinite, probe)):
        return Prediction(velocity=statistics.pstdev(probe) > _VELOCITY_ABOVE)
    if metadata.get("global_step") == _STEPS_OF_512_BASE:
        return Prediction(velocity=False)
    return None
