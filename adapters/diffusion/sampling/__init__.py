"""The samplers of Stable Diffusion, by the names that requests use."""

from adapters.diffusion.sampling.making import Schedulers, new_scheduler, sampler_name

__all__ = ["Schedulers", "new_scheduler", "sampler_name"]
