"""The samplers of Stable Diffusion, by the names that requests use."""

from adapters.diffusion.sampling.last_steps import LastSteps
from adapters.diffusion.sampling.making import (
    Schedulers,
    check_first_step,
    new_scheduler,
    sampler_name,
)
from adapters.diffusion.sampling.own import TRAINING, training_of

__all__ = [
    "TRAINING",
    "LastSteps",
    "Schedulers",
    "check_first_step",
    "new_scheduler",
    "sampler_name",
    "training_of",
]
