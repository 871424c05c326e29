"""Makes schedulers by the names that requests use.

The model's training decides the noise schedule, the type of prediction and the largest noise level.
These come from the model's configuration and never from a scheduler's default (`_TRAINING`). If a
name has no noise schedule, the model's configuration decides the spacing of the steps. If the
configuration does not, the default of the diffusers class does, which is what its authors publish.
A drawing of few steps always begins at pure noise (`_FEW_STEPS`).
"""

import copy
import inspect
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import torch
from diffusers import PNDMScheduler
from diffusers.schedulers.scheduling_euler_discrete import rescale_zero_terminal_snr

from adapters.diffusion.sampling import multistep
from adapters.diffusion.sampling.classes import CLASSES, SECOND_ORDER
from adapters.diffusion.sampling.continuous import continuous_scheduler
from adapters.diffusion.sampling.flow import flow_scheduler
from adapters.diffusion.sampling.last_steps import LastSteps
from adapters.diffusion.sampling.own import (
    LEAST_SIGNAL,
    is_own,
    original_steps,
    own_scheduler,
    told_options,
    training_of,
)
from domain.errors import GenerationFailed
from domain.models.fitting_schedulers import fitting_default, fitting_schedulers
from domain.models.training import NoiseProcess
from domain.samplers import DEFAULT_SCHEDULER, Sampler, Schedule, Scheduler

__all__ = ["Schedulers", "check_first_step", "new_scheduler", "sampler_name"]

_TRAINING = (
    *("num_train_timesteps", "beta_start", "beta_end", "beta_schedule", "trained_betas"),
    *("prediction_type", "rescale_betas_zero_snr"),
)
# A model's configuration may set any of these. The name of a scheduler decides which one is used.
_SPACINGS_OF_NOISE = (
    *("use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas", "use_lu_lambdas"),
    "use_flow_sigmas",
)
_ASKED_FOR = {
    "use_karras_sigmas": Scheduler.DPMPP_2M_KARRAS,
    "use_exponential_sigmas": Scheduler.DPMPP_2M_EXPONENTIAL,
    "use_beta_sigmas": Scheduler.DPMPP_2M_BETA,
}
"""The default sampler of a model whose configuration sets one of these options."""
_FEW_STEPS = 8
"""Up to this number of steps, a distilled model expects its first step at the largest noise level.
Steps with «leading» spacing would begin visibly below it. Steps with «trailing» spacing begin at
it; diffusers publishes SDXL Turbo, Lightning and Hyper-SD with that spacing."""
_KEPT_TABLES = 32


def new_scheduler(
    name: Scheduler | None, configuration: Mapping[str, Any], num_inference_steps: int
) -> Any:
    """Make a scheduler for one call of a Stable Diffusion pipeline.

    Args:
        name: The scheduler's name; None for DPM++ 2M with the options of the configuration.
        configuration: The configuration of the pipeline's own scheduler.
        num_inference_steps: The steps of the call.

    Raises:
        GenerationFailed: The sampler cannot draw with a model of this training.
    """
    training = training_of(configuration)
    if training.process is not NoiseProcess.DISCRETE:
        training, name = training.completed(), name or fitting_default(training)
        if name not in fitting_schedulers(training):
            raise GenerationFailed(f"{name} cannot draw with a model of this training")
        if training.process is NoiseProcess.FLOW:
            return flow_scheduler(name, training, configuration)
        return continuous_scheduler(name, training, configuration, num_inference_steps, CLASSES)
    if name is None and training.sampler is not None:
        name = fitting_default(training)
    if name is not None and is_own(name, training):
        return own_scheduler(name, configuration, num_inference_steps)
    few = num_inference_steps <= _FEW_STEPS
    if name is None and configuration.get("use_beta_sigmas"):
        name = Scheduler.DPMPP_2M_BETA  # the implementation of diffusers needs scipy
    if name is None:
        spacing = {"timestep_spacing": "trailing"} if few else {}
        return multistep.Dpm.from_config(configuration, **SECOND_ORDER, **spacing)
    kind, named = CLASSES[name.sampler]
    named = named | (told := told_options(kind, configuration))
    options = {key: configuration[key] for key in _TRAINING if key in configuration}
    options |= dict.fromkeys(_SPACINGS_OF_NOISE, False) | _spacing(name, configuration, few)
    options["original_inference_steps"] = original_steps(num_inference_steps)
    known = inspect.signature(kind.__init__).parameters
    if configuration.get("rescale_betas_zero_snr") and "rescale_betas_zero_snr" not in known:
        options["trained_betas"] = _rescaled_betas(name, configuration)
    scheduler = kind.from_config(
        configuration, **{key: value for key, value in (options | named).items() if key in known}
    )
    # At pure noise, predicted noise says nothing of the picture, and some classes would divide by
    # zero. Other classes of diffusers leave this much signal there.
    scheduler.alphas_cumprod.clamp_(min=LEAST_SIGNAL)
    if "prediction_type" in named or told:
        scheduler.network_prediction = configuration.get("prediction_type", "epsilon")
    if name is not Scheduler.DPMPP_2M_KARRAS:
        scheduler.schedule = name.schedule
    if name.sampler in (Sampler.DPM2, Sampler.DPM2_A) and (
        (name.schedule, scheduler.config.timestep_spacing) == (Schedule.AUTOMATIC, "linspace")
    ):
        scheduler.schedule = Schedule.NORMAL  # the same levels, without the last step
    return scheduler


def _spacing(name: Scheduler, configuration: Mapping[str, Any], few: bool) -> dict[str, object]:
    """Return the options that decide the spacing of a class's steps."""
    if name is Scheduler.DPMPP_2M_KARRAS:  # that of diffusers, which rounds the timesteps
        return {"use_karras_sigmas": True}
    explicit = configuration.keys() - set(configuration.get("_use_default_values", ()))
    if few or (configuration.get("rescale_betas_zero_snr") and "timestep_spacing" not in explicit):
        # Only with this spacing every class begins at pure noise (Lin et al., arXiv:2305.08891).
        return {"timestep_spacing": "trailing"}
    linear = "timestep_spacing" in explicit and configuration["timestep_spacing"] == "linspace"
    if linear and name.sampler in (Sampler.DDIM, Sampler.PLMS):
        # Each step of theirs goes 1000 / steps timesteps down, and linear spacing is not that.
        return {"timestep_spacing": "trailing"}
    return {}


def _rescaled_betas(name: Scheduler, configuration: Mapping[str, Any]) -> list[float]:
    """Return the betas of a training up to pure noise, for a class without that option."""
    if name.sampler is Sampler.PLMS:
        raise GenerationFailed(
            "PLMS cannot draw with a model that was trained up to pure noise (zero terminal SNR): "
            "it needs the predicted noise, which says nothing at pure noise; choose another "
            "scheduler, such as DDIM"
        )
    kept = {key: configuration[key] for key in _TRAINING[:5] if key in configuration}
    betas: torch.Tensor = rescale_zero_terminal_snr(PNDMScheduler(**kept).betas)
    return betas.tolist()


class Schedulers:
    """Makes the schedulers for the drawings of one pipeline. Only one thread may use it.

    The tables of a scheduler are computed once for each name and number of steps. The tables that
    were used last are kept.
    """

    def __init__(self, configuration: Mapping[str, Any], device: torch.device) -> None:
        self._configuration = configuration
        self._device = device
        self._made: OrderedDict[tuple[Scheduler | None, int], Any] = OrderedDict()

    def new(self, name: Scheduler | None, num_inference_steps: int) -> Any:
        """Return a scheduler of `new_scheduler` with its timesteps set."""
        key = (name, num_inference_steps)
        if key not in self._made:
            made = new_scheduler(name, self._configuration, num_inference_steps)
            made.set_timesteps(num_inference_steps, device=self._device)
            self._made[key] = made
            if len(self._made) > _KEPT_TABLES:
                self._made.popitem(last=False)
        self._made.move_to_end(key)
        untouched = self._made[key]
        # No drawing changes the configuration, and copying it would be most of the work.
        fresh = copy.deepcopy(untouched, {id(untouched.config): untouched.config})
        fresh.ready_for = (num_inference_steps, self._device)
        return fresh

    def from_step(
        self, name: Scheduler | None, num_inference_steps: int, first_step: int
    ) -> LastSteps:
        """Return a scheduler that takes the steps from `first_step` on, counted from 0.

        LCM and TCD are no exception: the last of the requested steps run, as with every sampler.
        This is what the image-to-image pipelines of diffusers do. (The pipeline of the LCM's
        authors runs all steps instead, and spaces them over the share that `strength` names.)

        Raises:
            GenerationFailed: As `check_first_step`.
        """
        check_first_step(name, first_step)
        return LastSteps(self.new(name, num_inference_steps), first_step)


def check_first_step(name: Scheduler | None, first_step: int) -> None:
    """Check that a sampler can begin with this step, counted from 0.

    Raises:
        GenerationFailed: The sampler is PLMS, and the step is not the first one.
    """
    if first_step and name is Scheduler.PLMS:
        raise GenerationFailed(
            "PLMS cannot begin after its first step, as a drawing from a picture and a second pass "
            "do; choose another scheduler, such as DDIM"
        )


def sampler_name(name: Scheduler | None, configuration: Mapping[str, Any]) -> str:
    """Return the name of the sampler for people: `name`, or the default's name for None."""
    training = training_of(configuration)
    if name is not None or training.completed().sampler is not None:
        return name or fitting_default(training)
    asked = (named for option, named in _ASKED_FOR.items() if configuration.get(option))
    return next(asked, DEFAULT_SCHEDULER)
