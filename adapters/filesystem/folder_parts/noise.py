"""Whether the samplers of requests fit the noise of a folder's own scheduler."""

from collections.abc import Mapping
from typing import Any

from adapters.filesystem.headers.values import shown

__all__ = ["scheduler_problem"]

_SAME_NOISE = frozenset(
    {
        *("DDIMScheduler", "DDIMInverseScheduler", "DDIMParallelScheduler"),
        *("DDPMScheduler", "DDPMParallelScheduler", "PNDMScheduler", "LMSDiscreteScheduler"),
        *("EulerDiscreteScheduler", "EulerAncestralDiscreteScheduler", "HeunDiscreteScheduler"),
        *("KDPM2DiscreteScheduler", "KDPM2AncestralDiscreteScheduler"),
        *("DPMSolverMultistepScheduler", "DPMSolverMultistepInverseScheduler"),
        *("DPMSolverSinglestepScheduler", "DPMSolverSDEScheduler", "DEISMultistepScheduler"),
        *("UniPCMultistepScheduler", "SASolverScheduler", "LCMScheduler", "TCDScheduler"),
    }
)
"""diffusers' schedulers for the discrete noise that Stable Diffusion is trained with, with `betas`.
The others belong to another process: `EDM…` (Karras et al., arXiv:2206.00364), `FlowMatch…`
(arXiv:2403.03206), `Cosine…` and further ones. Named samplers read `betas` from the configuration;
without them they would start at another noise than the model was trained for.
"""

_BOUNDS = ("sigma_min", "sigma_max")
"""diffusers' `EulerDiscreteScheduler` for models with continuous noise, such as CosXL."""


def scheduler_problem(name: object, configuration: Mapping[str, Any]) -> str | None:
    """Return why a Stable Diffusion folder with this scheduler cannot draw; None if it can.

    Args:
        name: The class in `model_index.json`.
        configuration: The content of `scheduler/scheduler_config.json`.
    """
    for each in (name, configuration.get("_class_name", name)):
        if not isinstance(each, str) or each not in _SAME_NOISE:
            return (
                f"its scheduler is {shown(str(each))}, whose noise no sampler here supports for a "
                "Stable Diffusion model"
            )
    bounds = [each for each in _BOUNDS if configuration.get(each) is not None]
    if bounds or configuration.get("timestep_type") == "continuous":
        named = f" ({', '.join(bounds)})" if bounds else ""
        return f"its scheduler has its own noise bounds{named}, which no sampler here supports"
    prediction = configuration.get("prediction_type")
    if configuration.get("use_flow_sigmas") is True or prediction == "flow_prediction":
        return "its scheduler is for flow matching, which no sampler here supports for this model"
    return None
