"""The samplers of Stable Diffusion, by the names that requests use."""

from adapters.diffusion.sampling.last_steps import LastSteps
from adapters.diffusion.sampling.making import (
    Schedulers,
    check_first_step,
    new_scheduler,
    sampler_name,
)

__all__ = ["LastSteps", "Schedulers", "check_first_step", "new_scheduler", "sampler_name"]
