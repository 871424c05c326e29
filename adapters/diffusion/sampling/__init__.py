"""The samplers of Stable Diffusion, by the names that requests use."""

from adapters.diffusion.sampling.last_steps import LastSteps
from adapters.diffusion.sampling.making import Schedulers, new_scheduler, sampler_name

__all__ = ["LastSteps", "Schedulers", "new_scheduler", "sampler_name"]
