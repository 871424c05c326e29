"""diffusers' schedulers by the names that requests have for them.

Which class and options a name stands for is told by the table "A1111/k-diffusion" of diffusers'
scheduler overview (docs/source/en/api/schedulers/overview.md); DDIM, UniPC and LCM have one class
each. What the training decides is the model's own and never a scheduler's default: its noise, what
it predicts, up to how much noise (`_TRAINING`). Where the model's configuration spaces the steps,
they stay so; else they are spaced as each class has it, which is how its authors publish it.
"""

import copy
import inspect
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import torch
from diffusers import (
    DDIMScheduler,
    DPMSolverMultistepScheduler,
    EulerAncestralDiscreteScheduler,
    EulerDiscreteScheduler,
    LCMScheduler,
    UniPCMultistepScheduler,
)

from domain.schedulers import DEFAULT_SCHEDULER, Scheduler

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
_LCM_TRAINED_STEPS = 50
"""Of which an LCM was distilled to leap over some (Luo et al., arXiv:2310.04378, section 4.3)."""

_LEAST_SIGNAL = 2.0**-24
_KEPT_TABLES = 32


class _ExactSteps:
    """What is put before a class of diffusers, so that it takes as many steps as are asked for."""

    timesteps: torch.Tensor
    timesteps_on_cpu: torch.Tensor
    ready_for: tuple[int, torch.device] | None = None
    """The steps and the device of a copy that has its timesteps, and took no step."""
    _taken = 0

    def set_timesteps(self, num_inference_steps: int, device: Any = None) -> None:
        """As diffusers' own, without two slips of it; nothing where they are set already."""
        where = torch.device(device or "cpu")
        ready, self.ready_for = self.ready_for, None
        if ready == (num_inference_steps, where):
            return
        scheduler: Any = super()
        scheduler.set_timesteps(num_inference_steps, device="cpu")
        # Trailing steps are counted down in floats, and of 61 of 1000 there are 62, the last at -1.
        if len(self.timesteps) > num_inference_steps:
            self.timesteps = self.timesteps[:num_inference_steps]
            self.num_inference_steps = num_inference_steps
            sigmas = getattr(self, "sigmas", None)
            if sigmas is not None:
                self.sigmas = torch.cat([sigmas[:num_inference_steps], sigmas[-1:]])
        # Of equal first timesteps, as Karras' noise levels can be rounded to, the second is taken
        # for the first unless it is said where to begin. And it would be looked for on the device.
        if hasattr(self, "set_begin_index"):
            self.set_begin_index(0)
        self.timesteps_on_cpu = self.timesteps
        self.timesteps = self.timesteps.to(where)
        self._taken = 0


class _SingleStep(_ExactSteps):
    """As `_ExactSteps`, for a class that keeps nothing from one step to the next.

    It computes in float32, as noise of each step in half precision would be other noise than that
    in float32, and a seed means the same in each precision. And it keeps what it takes the finished
    latents to be, under the name that multistep schedulers have for that. The tables that it looks
    timesteps up in are on the CPU, so it takes them from there: else each step would wait for the
    device to tell which it is.
    """

    model_outputs: tuple[torch.Tensor, ...] = ()

    def step(
        self,
        model_output: torch.Tensor,
        timestep: torch.Tensor,
        sample: torch.Tensor,
        generator: list[torch.Generator] | None = None,
        return_dict: bool = False,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """As diffusers' own, for `return_dict=False`: the next latents, and the finished ones."""
        scheduler: Any = super()
        timestep = self.timesteps_on_cpu[self._taken]
        self._taken += 1
        on_device, self.timesteps = self.timesteps, self.timesteps_on_cpu
        drawn, clean = scheduler.step(
            model_output.float(), timestep, sample.float(), generator=generator, return_dict=False
        )
        self.timesteps = on_device
        self.model_outputs = (clean,)
        return drawn.to(sample.dtype), clean


class _Euler(_SingleStep, EulerDiscreteScheduler):
    pass


class _EulerAncestral(_SingleStep, EulerAncestralDiscreteScheduler):
    pass


class _Ddim(_SingleStep, DDIMScheduler):
    pass


class _Lcm(_SingleStep, LCMScheduler):
    pass


class _Dpm(_ExactSteps, DPMSolverMultistepScheduler):
    pass


class _UniPc(_ExactSteps, UniPCMultistepScheduler):
    pass


_SECOND_ORDER: dict[str, object] = {"algorithm_type": "dpmsolver++", "solver_order": 2}
_CLASSES: Mapping[Scheduler, tuple[Any, dict[str, object]]] = {
    Scheduler.EULER: (_Euler, {}),
    Scheduler.EULER_A: (_EulerAncestral, {}),
    Scheduler.DPMPP_2M: (_Dpm, _SECOND_ORDER | {"solver_type": "midpoint"}),
    Scheduler.DPMPP_2M_KARRAS: (
        _Dpm,
        _SECOND_ORDER | {"solver_type": "midpoint", "use_karras_sigmas": True},
    ),
    # Latents are no pixels, which end at 1. The last step goes to the first noise of the training,
    # as in Stable Diffusion's own DDIM.
    Scheduler.DDIM: (_Ddim, {"clip_sample": False, "set_alpha_to_one": False}),
    Scheduler.UNIPC: (
        _UniPc,
        {"solver_order": 2, "solver_type": "bh2", "predict_x0": True},
    ),
    Scheduler.LCM: (_Lcm, {"clip_sample": False}),
}


def new_scheduler(
    name: Scheduler | None, configuration: Mapping[str, Any], num_inference_steps: int
) -> Any:
    """A scheduler without any state, for one call of a Stable Diffusion pipeline.

    Args:
        name: None for DPM++ 2M with whatever else the configuration asks for.
        configuration: That of the pipeline's own scheduler.
        num_inference_steps: That the call will have.
    """
    if name is None:
        return _Dpm.from_config(configuration, **_SECOND_ORDER)
    kind, named = _CLASSES[name]
    options = {key: configuration[key] for key in _TRAINING if key in configuration}
    options |= dict.fromkeys(_SPACINGS_OF_NOISE, False)
    told = configuration.keys() - set(configuration.get("_use_default_values", ()))
    if configuration.get("rescale_betas_zero_snr") and "timestep_spacing" not in told:
        # Only so does each class begin where the noise is pure (Lin et al., arXiv:2305.08891).
        options["timestep_spacing"] = "trailing"
    linear = "timestep_spacing" in told and configuration["timestep_spacing"] == "linspace"
    if name is Scheduler.DDIM and (linear or num_inference_steps == 1):
        # Its step goes 1000 / steps back, so it must come from there; and a leading one that is
        # alone would take noise away where there is hardly any.
        options.setdefault("timestep_spacing", "trailing")
    # As many as are asked for can be leapt to, and not more than there are.
    options["original_inference_steps"] = max(_LCM_TRAINED_STEPS, num_inference_steps)
    known = inspect.signature(kind.__init__).parameters
    scheduler = kind.from_config(
        configuration, **{key: value for key, value in (options | named).items() if key in known}
    )
    # Where there is nothing but noise, nothing can be told from what noise is predicted. diffusers
    # leaves this much of a picture in all but DDIM and LCM, which would divide by zero.
    scheduler.alphas_cumprod.clamp_(min=_LEAST_SIGNAL)
    return scheduler


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
    if name is None and configuration.get("use_karras_sigmas"):
        return Scheduler.DPMPP_2M_KARRAS
    return name or DEFAULT_SCHEDULER
