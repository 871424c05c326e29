"""The scheduler of a folder whose training fixes it, with all of its own options."""

from collections.abc import Mapping
from typing import Any

from adapters.diffusion.sampling import one_evaluation
from adapters.diffusion.sampling.classes import CLASSES
from domain.models.training import Training
from domain.samplers import Schedule, Scheduler

__all__ = [
    "LEAST_SIGNAL",
    "TRAINING",
    "is_own",
    "original_steps",
    "own_scheduler",
    "told_options",
    "training_of",
]

TRAINING = "_training"
"""The place of a `Training` in the configuration of a pipeline's scheduler, if the model's record
has one. diffusers passes no option on whose name begins with a line."""
LEAST_SIGNAL = 2.0**-24
"""The share of the picture that is left at pure noise."""
_DISTILLED_STEPS = (50, 100, 125, 200)
"""The numbers of steps of which LCM and TCD take a part. These models were distilled with the first
number (Luo et al., arXiv:2310.04378, section 4.3). The others are for drawings of more steps. All
divide 1000, so that the first step is at the largest noise level."""


def training_of(configuration: Mapping[str, Any]) -> Training:
    """Return the training that the loader has put into a pipeline's configuration."""
    found: Training | None = configuration.get(TRAINING)
    return Training() if found is None else found


def is_own(name: Scheduler, training: Training) -> bool:
    """Whether a scheduler is the folder's own, and its class has the options of that."""
    kind, _ = CLASSES[name.sampler]
    is_named = name.sampler is training.sampler and name.schedule is Schedule.AUTOMATIC
    return is_named and kind.order == 1  # the others are own code


def own_scheduler(name: Scheduler, configuration: Mapping[str, Any], steps: int) -> Any:
    """Make the scheduler of a folder whose training fixes it, with all of its own options.

    Latents are never clipped, as with any scheduler here. diffusers' pipeline for Stable Diffusion
    1 and 2 changes that option of a folder too.
    """
    kind, named = CLASSES[name.sampler]
    options: dict[str, object] = {key: named[key] for key in ("clip_sample",) if key in named}
    distilled = configuration.get("original_inference_steps")
    if isinstance(distilled, int) and distilled < steps:
        options["original_inference_steps"] = original_steps(steps)
    told = told_options(kind, configuration)
    if with_beta := bool(configuration.get("use_beta_sigmas")):
        options["use_beta_sigmas"] = False  # the implementation of diffusers needs scipy
    scheduler = kind.from_config(configuration, **options, **told)
    if with_beta and name.sampler.takes_schedules:
        scheduler.schedule = Schedule.BETA
    scheduler.alphas_cumprod.clamp_(min=LEAST_SIGNAL)
    if told:
        scheduler.network_prediction = configuration["prediction_type"]
    return scheduler


def told_options(kind: Any, configuration: Mapping[str, Any]) -> dict[str, object]:
    """Return the type of prediction that a class must know, if it lacks that of the network."""
    lacks = issubclass(kind, one_evaluation.ToldNoise)
    is_sample = configuration.get("prediction_type") == "sample"
    return {"prediction_type": "epsilon"} if lacks and is_sample else {}


def original_steps(steps: int) -> int:
    """Return the number of steps of which LCM and TCD take this many."""
    return next(each for each in _DISTILLED_STEPS if each >= steps)
