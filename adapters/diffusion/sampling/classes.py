"""The class of each sampler for discrete noise, and the options that are always the same."""

from collections.abc import Mapping
from typing import Any

from adapters.diffusion.sampling import multistep, one_evaluation, two_evaluations
from domain.samplers import Sampler

__all__ = ["CLASSES", "SECOND_ORDER"]

SECOND_ORDER: dict[str, object] = {"algorithm_type": "dpmsolver++", "solver_order": 2}
_STOCHASTIC: dict[str, object] = {"algorithm_type": "sde-dpmsolver++", "solver_type": "midpoint"}
_TO_NO_NOISE: dict[str, object] = {"final_sigmas_type": "zero", "interpolation_type": "linear"}
CLASSES: Mapping[Sampler, tuple[Any, dict[str, object]]] = {
    Sampler.EULER: (one_evaluation.Euler, {}),
    Sampler.EULER_A: (one_evaluation.EulerAncestral, {}),
    Sampler.HEUN: (two_evaluations.Heun, _TO_NO_NOISE),
    Sampler.LMS: (one_evaluation.Lms, {}),
    Sampler.DPM2: (two_evaluations.Dpm2, _TO_NO_NOISE),
    Sampler.DPM2_A: (two_evaluations.Dpm2Ancestral, _TO_NO_NOISE),
    Sampler.DPMPP_2S_A: (two_evaluations.DpmPlusPlus2SAncestral, _TO_NO_NOISE),
    Sampler.DPMPP_2M: (multistep.Dpm, SECOND_ORDER | {"solver_type": "midpoint"}),
    Sampler.DPMPP_SDE: (two_evaluations.DpmPlusPlusSde, _TO_NO_NOISE),
    Sampler.DPMPP_2M_SDE: (multistep.Dpm, _STOCHASTIC | {"solver_order": 2}),
    Sampler.DPMPP_3M_SDE: (multistep.Dpm, _STOCHASTIC | {"solver_order": 3}),
    Sampler.UNIPC: (
        multistep.UniPc,
        {"solver_order": 2, "solver_type": "bh2", "predict_x0": True},
    ),
    # Clipping is for pixels, which end at 1; latents do not. The last step goes to the least noise
    # level of the training, as in Stable Diffusion's own DDIM.
    Sampler.DDIM: (one_evaluation.Ddim, {"clip_sample": False, "set_alpha_to_one": False}),
    # These methods need predicted noise.
    Sampler.PLMS: (
        one_evaluation.Plms,
        {"skip_prk_steps": True, "set_alpha_to_one": False, "prediction_type": "epsilon"},
    ),
    Sampler.LCM: (one_evaluation.Lcm, {"clip_sample": False}),
    Sampler.TCD: (one_evaluation.Tcd, {"clip_sample": False}),
}
