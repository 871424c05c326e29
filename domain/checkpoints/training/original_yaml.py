"""What the configuration of the code that trained a checkpoint says of its training.

Such a file lies beside the checkpoint, as `name.yaml`. CompVis/stable-diffusion and its descendants
write it, and so does Stability AI's generative-models (`sgm`) in another form. AUTOMATIC1111's web
UI reads the same file (`modules/sd_models_config.py`).
"""

import math
from collections.abc import Mapping
from typing import Any, TypeVar

from domain.checkpoints.training.deciding import Source, Told
from domain.checkpoints.training.unusable import UnusableTraining
from domain.models.training import BetaSchedule, Prediction, Training

__all__ = ["told_by_yaml"]

Meaning = TypeVar("Meaning")
_PARAMETERIZATIONS = {
    "eps": Prediction.EPSILON,
    "v": Prediction.VELOCITY,
    "x0": Prediction.SAMPLE,
}
"""ldm/models/diffusion/ddpm.py of CompVis/stable-diffusion and Stability-AI/stablediffusion."""
_SCALINGS = {
    "EpsScaling": Prediction.EPSILON,
    "VScaling": Prediction.VELOCITY,
    "EDMScaling": Prediction.EDM,
    "VScalingWithEDMcNoise": Prediction.EDM_VELOCITY,
}
"""sgm/modules/diffusionmodules/denoiser_scaling.py of Stability-AI/generative-models."""
_CONTINUOUS = frozenset({Prediction.EDM, Prediction.EDM_VELOCITY})
_EDM_MIN, _EDM_MAX = 0.002, 80.0
"""The defaults of `EDMDiscretization` of sgm."""
_EDM_SPREAD = 0.5
"""The default of `EDMScaling` of sgm."""
_BETA_SCHEDULES = {
    "linear": BetaSchedule.SCALED_LINEAR,
    "sqrt_linear": BetaSchedule.LINEAR,
    "cosine": BetaSchedule.COSINE,
}
"""The names of `make_beta_schedule` of CompVis, whose «linear» is linear in the root of beta."""
_PURE_NOISE = ("zero_terminal_snr", "rescale_betas_zero_snr")
"""The original code has no such option. These are the names of kohya and of diffusers."""
_TRUE, _FALSE = ("true", "yes", "on"), ("false", "no", "off")


def told_by_yaml(document: object, name: str) -> Told | None:
    """Return what a file beside a checkpoint says of its training.

    Args:
        document: The content of the file: tables, lists and texts. Numbers are texts too.
        name: The name of the file, for a message.

    Returns:
        None if the file is not a configuration of the original code, or says nothing of it.

    Raises:
        UnusableTraining: It says something that the service cannot draw with.
    """
    params = _table(_table(_table(document, "model"), "params"))
    if not params:
        return None
    try:
        training = _training(params)
    except ValueError as error:
        raise UnusableTraining(f"{name} beside it cannot be used: {error}") from error
    remark = _remark(params, name)
    if training == Training() and remark is None:
        return None
    return Told(Source.BESIDE, f"{name} beside it", training, remark)


def _training(params: Mapping[str, Any]) -> Training:
    denoiser = _table(_table(params, "denoiser_config"), "params")
    found = _prediction(params, denoiser)
    if found in _CONTINUOUS:
        return _continuous(params, denoiser, found)
    noise = _table(_table(denoiser, "discretization_config"), "params") or params
    rising = params.get("beta_schedule")
    steps = _number(noise, "timesteps") or _number(noise, "num_timesteps")
    pure = [each for each in (_switch(params, name) for name in _PURE_NOISE) if each is not None]
    return Training(
        found,
        zero_terminal_snr=pure[0] if pure else None,
        train_steps=None if steps is None else int(steps),
        beta_start=_number(noise, "linear_start"),
        beta_end=_number(noise, "linear_end"),
        beta_schedule=None if rising is None else _named(rising, "beta_schedule", _BETA_SCHEDULES),
        scaling_factor=_number(params, "scale_factor"),
    )


def _prediction(params: Mapping[str, Any], denoiser: Mapping[str, Any]) -> Prediction | None:
    told = params.get("parameterization")
    if told is not None:
        return _named(told, "parameterization", _PARAMETERIZATIONS)
    target = _table(denoiser, "scaling_config").get("target")
    if target is None:
        return None
    return _named(target, "scaling_config", _SCALINGS, last=True)


def _continuous(
    params: Mapping[str, Any], denoiser: Mapping[str, Any], found: Prediction
) -> Training:
    target = str(_table(params, "denoiser_config").get("target", ""))
    if target.endswith("DiscreteDenoiser"):
        raise ValueError("its DiscreteDenoiser has continuous noise, which no model is known for")
    sampler = _table(_table(params, "sampler_config"), "params")
    noise = _table(_table(sampler, "discretization_config"), "params")
    scaling = _table(_table(denoiser, "scaling_config"), "params")
    spread = 1.0
    if found is Prediction.EDM:
        spread = _number(scaling, "sigma_data") or _EDM_SPREAD
    return Training(
        found,
        sigma_min=_number(noise, "sigma_min") or _EDM_MIN,
        sigma_max=_number(noise, "sigma_max") or _EDM_MAX,
        sigma_data=spread,
        scaling_factor=_number(params, "scale_factor"),
    ).completed()


def _remark(params: Mapping[str, Any], name: str) -> str | None:
    """Return what a user should know of the text encoder that the file names."""
    encoder = _table(_table(params, "cond_stage_config"), "params")
    layer = encoder.get("layer")
    is_clip = str(_table(params, "cond_stage_config").get("target", "")).endswith(
        "FrozenCLIPEmbedder"
    )
    if not is_clip or layer in (None, "last"):
        return None
    return (
        f"has {name} beside it, which takes another layer of the text encoder ({_shown(layer)}); "
        "set clip_skip for it"
    )


def _table(value: object, name: str | None = None) -> Mapping[str, Any]:
    """Return a table, or the table under a name in one; an empty one for anything else."""
    if name is not None:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def _number(table: Mapping[str, Any], name: str) -> float | None:
    text = table.get(name)
    if text is None:
        return None
    try:
        number = float(text)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"its {name} is {_shown(text)}, which is not a number")
    return number


def _switch(table: Mapping[str, Any], name: str) -> bool | None:
    text = table.get(name)
    if text is None:
        return None
    lowered = str(text).lower()
    if lowered not in (*_TRUE, *_FALSE):
        raise ValueError(f"its {name} is {_shown(text)}; it must be true or false")
    return lowered in _TRUE


def _shown(value: object) -> str:
    return ascii(str(value))[:60] if isinstance(value, str) else "not a text"


def _named(
    value: object, field: str, known: Mapping[str, Meaning], *, last: bool = False
) -> Meaning:
    """Return the meaning of a name; with `last`, of what follows its last dot."""
    name = value.rpartition(".")[2] if isinstance(value, str) and last else value
    if not isinstance(name, str) or name not in known:
        raise ValueError(f"its {field} is {_shown(value)}; it must be one of {', '.join(known)}")
    return known[name]
