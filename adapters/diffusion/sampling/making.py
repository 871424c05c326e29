"""Schedulers by the names that requests have for them.

What the training decides is the model's own and never a scheduler's default: its noise, what it
predicts, up to how much noise (`_TRAINING`). Where a name says no schedule, the steps are spaced as
the model's configuration says, else as each class of diffusers has it, which is how its authors
publish it; but few steps begin where there is nothing but noise (`_FEW_STEPS`).
"""

import copy
import inspect
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import torch
from diffusers import PNDMScheduler
from diffusers.schedulers.scheduling_euler_discrete import rescale_zero_terminal_snr

from adapters.diffusion.sampling import one_look, two_looks
from domain.errors import GenerationFailed
from domain.samplers import DEFAULT_SCHEDULER, Sampler, Schedule, Scheduler

__all__ = ["Schedulers", "new_scheduler", "sampler_name"]

_TRAINING = (
    *("num_train_timesteps", "beta_start", "beta_end", "beta_schedule", "trained_betas"),
    *("prediction_type", "rescale_betas_zero_snr"),
)
# A model's configuration may ask for any of these; a scheduler's name says which it has.
_SPACINGS_OF_NOISE = (
    *("use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas", "use_lu_lambdas"),
    "use_flow_sigmas",
)
_ASKED_FOR = {
    "use_karras_sigmas": Scheduler.DPMPP_2M_KARRAS,
    "use_exponential_sigmas": Scheduler.DPMPP_2M_EXPONENTIAL,
    "use_beta_sigmas": Scheduler.DPMPP_2M_BETA,
}
"""What draws by default with a model whose configuration asks for one of them."""
_FEW_STEPS = 8
"""Up to so many, what a model was distilled for expects its first step at the largest noise, and
«leading» steps would begin visibly below it. diffusers calls the spacing that begins there
«trailing», and publishes SDXL Turbo, Lightning and Hyper-SD with it."""
_DISTILLED_STEPS = (50, 100, 125, 200)
"""The first: of which an LCM or TCD was distilled to leap over some (Luo et al., arXiv:2310.04378,
section 4.3). The others: for more steps than that; all divide 1000, so that the first step is at
the largest noise."""
_LEAST_SIGNAL = 2.0**-24
_KEPT_TABLES = 32

_SECOND_ORDER: dict[str, object] = {"algorithm_type": "dpmsolver++", "solver_order": 2}
_STOCHASTIC: dict[str, object] = {"algorithm_type": "sde-dpmsolver++", "solver_type": "midpoint"}
_TO_NO_NOISE: dict[str, object] = {"final_sigmas_type": "zero", "interpolation_type": "linear"}
_CLASSES: Mapping[Sampler, tuple[Any, dict[str, object]]] = {
    Sampler.EULER: (one_look.Euler, {}),
    Sampler.EULER_A: (one_look.EulerAncestral, {}),
    Sampler.HEUN: (two_looks.Heun, _TO_NO_NOISE),
    Sampler.LMS: (one_look.Lms, {}),
    Sampler.DPM2: (two_looks.Dpm2, _TO_NO_NOISE),
    Sampler.DPM2_A: (two_looks.Dpm2Ancestral, _TO_NO_NOISE),
    Sampler.DPMPP_2S_A: (two_looks.DpmPlusPlus2SAncestral, _TO_NO_NOISE),
    Sampler.DPMPP_2M: (one_look.Dpm, _SECOND_ORDER | {"solver_type": "midpoint"}),
    Sampler.DPMPP_SDE: (two_looks.DpmPlusPlusSde, _TO_NO_NOISE),
    Sampler.DPMPP_2M_SDE: (one_look.Dpm, _STOCHASTIC | {"solver_order": 2}),
    Sampler.DPMPP_3M_SDE: (one_look.Dpm, _STOCHASTIC | {"solver_order": 3}),
    Sampler.UNIPC: (one_look.UniPc, {"solver_order": 2, "solver_type": "bh2", "predict_x0": True}),
    # Latents are no pixels, which end at 1. The last step goes to the first noise of the training,
    # as in Stable Diffusion's own DDIM.
    Sampler.DDIM: (one_look.Ddim, {"clip_sample": False, "set_alpha_to_one": False}),
    Sampler.PLMS: (
        one_look.Plms,
        {"skip_prk_steps": True, "set_alpha_to_one": False, "prediction_type": "epsilon"},
    ),
    Sampler.LCM: (one_look.Lcm, {"clip_sample": False}),
    Sampler.TCD: (one_look.Tcd, {"clip_sample": False}),
}


def new_scheduler(
    name: Scheduler | None, configuration: Mapping[str, Any], num_inference_steps: int
) -> Any:
    """A scheduler without any state, for one call of a Stable Diffusion pipeline.

    Args:
        name: None for DPM++ 2M with whatever else the configuration asks for.
        configuration: That of the pipeline's own scheduler.
        num_inference_steps: That the call will have.

    Raises:
        GenerationFailed: that sampler cannot draw with a model that was trained so.
    """
    few = num_inference_steps <= _FEW_STEPS
    if name is None and configuration.get("use_beta_sigmas"):
        name = Scheduler.DPMPP_2M_BETA  # diffusers' own needs scipy
    if name is None:
        spacing = {"timestep_spacing": "trailing"} if few else {}
        return one_look.Dpm.from_config(configuration, **_SECOND_ORDER, **spacing)
    kind, named = _CLASSES[name.sampler]
    options = {key: configuration[key] for key in _TRAINING if key in configuration}
    options |= dict.fromkeys(_SPACINGS_OF_NOISE, False) | _spacing(name, configuration, few)
    options["original_inference_steps"] = next(
        steps for steps in _DISTILLED_STEPS if steps >= num_inference_steps
    )
    known = inspect.signature(kind.__init__).parameters
    if configuration.get("rescale_betas_zero_snr") and "rescale_betas_zero_snr" not in known:
        options["trained_betas"] = _rescaled_betas(name, configuration)
    scheduler = kind.from_config(
        configuration, **{key: value for key, value in (options | named).items() if key in known}
    )
    # Where there is nothing but noise, nothing can be told from what noise is predicted. diffusers
    # leaves this much of a picture in some classes; the others would divide by zero.
    scheduler.alphas_cumprod.clamp_(min=_LEAST_SIGNAL)
    if name is Scheduler.PLMS:
        scheduler.told = configuration.get("prediction_type", "epsilon")
    if name is not Scheduler.DPMPP_2M_KARRAS:
        scheduler.schedule = name.schedule
    if name.sampler in (Sampler.DPM2, Sampler.DPM2_A) and (
        (name.schedule, scheduler.config.timestep_spacing) == (Schedule.AUTOMATIC, "linspace")
    ):
        scheduler.schedule = Schedule.NORMAL  # the same, without the last step
    return scheduler


def _spacing(name: Scheduler, configuration: Mapping[str, Any], few: bool) -> dict[str, object]:
    """The options of a class for how its steps are spaced."""
    if name is Scheduler.DPMPP_2M_KARRAS:  # diffusers' own, which rounds the timesteps
        return {"use_karras_sigmas": True}
    told = configuration.keys() - set(configuration.get("_use_default_values", ()))
    if few or (configuration.get("rescale_betas_zero_snr") and "timestep_spacing" not in told):
        # Only so does each class begin where the noise is pure (Lin et al., arXiv:2305.08891).
        return {"timestep_spacing": "trailing"}
    linear = "timestep_spacing" in told and configuration["timestep_spacing"] == "linspace"
    if linear and name.sampler in (Sampler.DDIM, Sampler.PLMS):
        # Their step goes 1000 / steps back, so it must come from there.
        return {"timestep_spacing": "trailing"}
    return {}


def _rescaled_betas(name: Scheduler, configuration: Mapping[str, Any]) -> list[float]:
    """The betas of a training that ends in pure noise, for a class that does not know of it."""
    if name.sampler is Sampler.PLMS:
        raise GenerationFailed(
            "PLMS cannot draw with a model that was trained up to pure noise (zero terminal SNR): "
            "it reckons with the noise that is predicted, which says nothing there; choose another "
            "scheduler, such as DDIM"
        )
    kept = {key: configuration[key] for key in _TRAINING[:5] if key in configuration}
    betas: torch.Tensor = rescale_zero_terminal_snr(PNDMScheduler(**kept).betas)
    return betas.tolist()


class Schedulers:
    """Schedulers for the drawings of one pipeline. For one thread.

    Their tables are computed once for each name and number of steps, the last ones used are kept.
    """

    def __init__(self, configuration: Mapping[str, Any], device: torch.device) -> None:
        self._configuration = configuration
        self._device = device
        self._made: OrderedDict[tuple[Scheduler | None, int], Any] = OrderedDict()

    def new(self, name: Scheduler | None, num_inference_steps: int) -> Any:
        """As `new_scheduler`, with its timesteps set."""
        key = (name, num_inference_steps)
        if key not in self._made:
            made = new_scheduler(name, self._configuration, num_inference_steps)
            made.set_timesteps(num_inference_steps, device=self._device)
            self._made[key] = made
            if len(self._made) > _KEPT_TABLES:
                self._made.popitem(last=False)
        self._made.move_to_end(key)
        untouched = self._made[key]
        # No drawing changes the configuration, and it is most of the work of a copy.
        fresh = copy.deepcopy(untouched, {id(untouched.config): untouched.config})
        fresh.ready_for = (num_inference_steps, self._device)
        return fresh


def sampler_name(name: Scheduler | None, configuration: Mapping[str, Any]) -> str:
    """What draws, for people: the name, or that of the default where there is none."""
    if name is not None:
        return name
    asked = (named for option, named in _ASKED_FOR.items() if configuration.get(option))
    return next(asked, DEFAULT_SCHEDULER)
