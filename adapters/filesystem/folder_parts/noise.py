"""Whether the samplers that requests name fit the noise that a folder's own scheduler adds."""

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
"""diffusers' schedulers of the discrete noise that Stable Diffusion is trained with, with `betas`.

The others are of another process: `EDM…` (Karras et al., arXiv:2206.00364), `FlowMatch…`
(arXiv:2403.03206), `Cosine…` and further ones. Named samplers read `betas` from a configuration
that has none, so they would begin at another noise than the model was trained for.
"""

_BOUNDS = ("sigma_min", "sigma_max")
"""diffusers' `EulerDiscreteScheduler` of models with continuous noise, such as CosXL."""


def scheduler_problem(name: object, configuration: Mapping[str, Any]) -> str | None:
    """Why a Stable Diffusion folder with this scheduler is not drawn; None when it can be.

    Args:
        name: The class that `model_index.json` gives.
        configuration: Of `scheduler/scheduler_config.json`.
    """
    for each in (name, configuration.get("_class_name", name)):
        if not isinstance(each, str) or each not in _SAME_NOISE:
            return (
                f"its scheduler is {shown(str(each))}, whose noise no sampler here has for a "
                "Stable Diffusion model"
            )
    bounds = [each for each in _BOUNDS if configuration.get(each) is not None]
    if bounds or configuration.get("timestep_type") == "continuous":
        named = f" ({', '.join(bounds)})" if bounds else ""
        return f"its scheduler has bounds of noise of its own{named}, which no sampler here takes"
    prediction = configuration.get("prediction_type")
    if configuration.get("use_flow_sigmas") is True or prediction == "flow_prediction":
        return (
            "its scheduler matches flows, which no sampler here does for a Stable Diffusion model"
        )
    return None
