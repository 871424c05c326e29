"""The fields of diffusers' schedulers that a training decides."""

from collections.abc import Mapping
from typing import Any

from domain.models.training import NoiseProcess, Prediction, Spacing, Training

__all__ = ["scheduler_fields"]

_NAMES = {
    Prediction.EPSILON: "epsilon",
    Prediction.VELOCITY: "v_prediction",
    Prediction.SAMPLE: "sample",
}
_USUAL: Mapping[str, object] = {
    "num_train_timesteps": 1000,
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "sigma_min": None,
    "sigma_max": None,
}
"""The noise of Stable Diffusion 1, 2 and XL, for a configuration of another process."""


def scheduler_fields(training: Training, configuration: Mapping[str, Any]) -> Mapping[str, object]:
    """Return the fields of a scheduler's configuration for discrete noise that a training decides.

    A field that the training leaves open is absent. Continuous noise and flows have other
    schedulers, and the result is empty for them.

    Args:
        training: The training.
        configuration: The configuration that the fields are for.
    """
    if training.process is not NoiseProcess.DISCRETE:
        return {}
    fields: dict[str, object] = {
        "prediction_type": None if training.prediction is None else _NAMES[training.prediction],
        "num_train_timesteps": training.train_steps,
        "beta_start": training.beta_start,
        "beta_end": training.beta_end,
        "beta_schedule": training.beta_schedule and str(training.beta_schedule),
        "rescale_betas_zero_snr": training.zero_terminal_snr,
        "timestep_spacing": training.spacing and str(training.spacing),
    }
    is_told = bool(configuration.get("rescale_betas_zero_snr"))
    if training.zero_terminal_snr and training.spacing is None and not is_told:
        # Only with this spacing every class begins at pure noise (Lin et al., arXiv:2305.08891).
        fields["timestep_spacing"] = str(Spacing.TRAILING)
    found = {name: value for name, value in fields.items() if value is not None}
    return found if "beta_start" in configuration else {**_USUAL, **found}
