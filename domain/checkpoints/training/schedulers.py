"""What the scheduler of a diffusers folder says of the training of its model.

The classes and fields are those of diffusers' schedulers for Stable Diffusion 1, 2 and XL.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from domain.checkpoints.training.unusable import UnusableTraining
from domain.models.training import Prediction, Spacing, Training
from domain.samplers import Sampler

__all__ = ["training_of_scheduler"]

_SAMPLERS: Mapping[str, Sampler | None] = {
    "DDIMScheduler": Sampler.DDIM,
    "DDIMParallelScheduler": Sampler.DDIM,
    "DDIMInverseScheduler": None,
    "DDPMScheduler": None,
    "DDPMParallelScheduler": None,
    "PNDMScheduler": None,
    "LMSDiscreteScheduler": Sampler.LMS,
    "EulerDiscreteScheduler": Sampler.EULER,
    "EulerAncestralDiscreteScheduler": Sampler.EULER_A,
    "HeunDiscreteScheduler": Sampler.HEUN,
    "KDPM2DiscreteScheduler": Sampler.DPM2,
    "KDPM2AncestralDiscreteScheduler": Sampler.DPM2_A,
    "DPMSolverMultistepScheduler": None,
    "DPMSolverMultistepInverseScheduler": None,
    "DPMSolverSinglestepScheduler": None,
    "DPMSolverSDEScheduler": Sampler.DPMPP_SDE,
    "DEISMultistepScheduler": None,
    "UniPCMultistepScheduler": Sampler.UNIPC,
    "SASolverScheduler": None,
    "LCMScheduler": Sampler.LCM,
    "TCDScheduler": Sampler.TCD,
}
"""The schedulers for discrete noise, with `betas`, and the sampler that stands for each. None where
no sampler of requests has the method, and for DPM++ 2M, which is the default anyway."""
_DISTILLED = frozenset({Sampler.LCM, Sampler.TCD})
_PREDICTIONS = {
    "epsilon": Prediction.EPSILON,
    "v_prediction": Prediction.VELOCITY,
    "sample": Prediction.SAMPLE,
    "original_sample": Prediction.SAMPLE,
}
_EDM = ("EDMEulerScheduler", "EDMDPMSolverMultistepScheduler")
_EDM_PREDICTIONS = {
    "epsilon": Prediction.EDM,
    "v_prediction": Prediction.EDM_VELOCITY,
}
_FLOWS, _FLOW = "FlowMatch", "FlowMatchEulerDiscreteScheduler"
_NOT_HERE = ("use_dynamic_shifting", "stochastic_sampling", "invert_sigmas", "use_beta_sigmas")
_FLOW_SAMPLERS = {
    "DPMSolverMultistepScheduler": Sampler.DPMPP_2M,
    "UniPCMultistepScheduler": Sampler.UNIPC,
}
_BOUNDS = ("sigma_min", "sigma_max")


def training_of_scheduler(
    name: object, configuration: Mapping[str, Any], *, scales_picture: bool = False
) -> Training:
    """Return what a folder's scheduler says of the training.

    The training fixes the sampler where the method or its spacing belongs to it: continuous noise,
    a flow, LCM and TCD, and the «trailing» spacing of distilled models. A folder with other
    schedulers draws as well with any sampler, and its configuration decides the spacing.

    Args:
        name: The class in `model_index.json`.
        configuration: The content of `scheduler/scheduler_config.json`.
        scales_picture: As `Training.scales_picture`.

    Raises:
        UnusableTraining: No sampler here has its noise.
    """
    kind, told = str(name), str(configuration.get("_class_name", name))
    for each in (kind, told):
        if not (each in _SAMPLERS or each in _EDM or each.startswith(_FLOWS)):
            raise UnusableTraining(
                f"its scheduler is {_shown(each)[1:-1]}, whose noise no sampler here supports for "
                "a Stable Diffusion model"
            )
    # diffusers makes the class that the index names. Classes for one process share their options.
    if (kind in _SAMPLERS) != (told in _SAMPLERS) or (kind in _EDM) != (told in _EDM):
        raise UnusableTraining(
            f"its scheduler is {_shown(kind)} in its model_index.json, and {_shown(told)} in its "
            "own configuration, which has other noise"
        )
    try:
        training = _training(kind, configuration)
        return dataclasses.replace(training, scales_picture=scales_picture or None)
    except ValueError as error:
        raise UnusableTraining(f"its scheduler cannot be used: {error}") from error


def _training(kind: str, told: Mapping[str, Any]) -> Training:
    if kind in _EDM:
        return _edm(kind, told)
    if _is_flow(kind, told):
        return _flow(kind, told)
    if told.get("timestep_type") == "continuous":
        return _continuous(kind, told)
    return _discrete(kind, told)


def _edm(kind: str, told: Mapping[str, Any]) -> Training:
    spacing = told.get("sigma_schedule", "karras")
    if spacing not in ("karras", "exponential"):
        raise ValueError(f"its sigma_schedule is {_shown(spacing)}, not karras or exponential")
    is_euler = kind == "EDMEulerScheduler"
    return Training(
        _prediction(told, _EDM_PREDICTIONS),
        sigma_min=_number(told, "sigma_min", 0.002),
        sigma_max=_number(told, "sigma_max", 80.0),
        sigma_data=_number(told, "sigma_data", 0.5),
        exponential=spacing == "exponential",
        sampler=Sampler.EULER if is_euler else Sampler.DPMPP_2M,
    )


def _continuous(kind: str, told: Mapping[str, Any]) -> Training:
    """Return the training of CosXL in the form of `EulerDiscreteScheduler`."""
    spaced = [f"use_{each}_sigmas" for each in ("karras", "exponential")]
    is_known = kind == "EulerDiscreteScheduler" and any(map(told.get, spaced))
    if not is_known or told.get("prediction_type") != "v_prediction":
        raise ValueError("its continuous noise is spaced as no sampler here spaces it")
    return Training(
        Prediction.EDM_VELOCITY,
        sigma_min=_number(told, "sigma_min", 0.002),
        sigma_max=_number(told, "sigma_max", 120.0),
        sigma_data=1.0,
        exponential=not told.get(spaced[0]),
        sampler=Sampler.EULER,
    )


def _is_flow(kind: str, told: Mapping[str, Any]) -> bool:
    is_told = told.get("use_flow_sigmas") is True or told.get("prediction_type") in (
        "flow_prediction",
        "flow",
    )
    return kind.startswith(_FLOWS) or is_told


def _flow(kind: str, told: Mapping[str, Any]) -> Training:
    if kind == _FLOW:
        odd = [name for name in _NOT_HERE if told.get(name)]
        if odd:
            raise ValueError(f"it has {odd[0]}, which no sampler here supports for this model")
        return Training(Prediction.FLOW, shift=_number(told, "shift", 1.0), sampler=Sampler.EULER)
    is_whole = told.get("use_flow_sigmas") and told.get("prediction_type") == "flow_prediction"
    if kind not in _FLOW_SAMPLERS or not is_whole:
        raise ValueError("its flow matching is in a form that no sampler here has")
    shift = _number(told, "flow_shift", 1.0)
    return Training(Prediction.FLOW, shift=shift, sampler=_FLOW_SAMPLERS[kind])


def _discrete(kind: str, told: Mapping[str, Any]) -> Training:
    bounds = [each for each in _BOUNDS if told.get(each) is not None]
    if bounds:
        raise ValueError(
            f"it has noise bounds of its own ({', '.join(bounds)}), which no sampler here supports"
        )
    prediction = _prediction(told, _PREDICTIONS)
    pure = bool(told.get("rescale_betas_zero_snr"))
    trailing = told.get("timestep_spacing") == Spacing.TRAILING
    sampler = _SAMPLERS[kind]
    ends_early = told.get("final_sigmas_type", "zero") != "zero"
    # Noise up to pure noise asks for this spacing too, whatever the sampler.
    fixed = sampler in _DISTILLED or (trailing and not pure) or ends_early
    return Training(
        prediction,
        zero_terminal_snr=pure,
        spacing=Spacing.TRAILING if trailing else None,
        sampler=sampler if fixed else None,
    )


def _prediction(told: Mapping[str, Any], known: Mapping[str, Prediction]) -> Prediction:
    text = told.get("prediction_type", "epsilon")
    if not isinstance(text, str) or text not in known:
        raise ValueError(f"its prediction_type is {_shown(text)}, not {' or '.join(known)}")
    return known[text]


def _number(told: Mapping[str, Any], name: str, usual: float) -> float:
    value = told.get(name)
    if value is None:
        return usual
    if type(value) not in (int, float):
        raise ValueError(f"its {name} is {_shown(value)}, which is not a number")
    return float(value)


def _shown(value: object) -> str:
    return ascii(value)[:60]
