"""The samplers of Stable Diffusion, by the names that requests use."""

from adapters.diffusion.sampling.last_steps import LastSteps
from adapters.diffusion.sampling.making import (
    TRAINING,
    Schedulers,
    check_first_step,
    new_scheduler,
    sampler_name,
    training_of,
)

__all__ = [
    "TRAINING",
    "LastSteps",
    "Schedulers",
    "check_first_step",
    "new_scheduler",
    "sampler_name",
    "training_of",
]
