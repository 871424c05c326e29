"""Trainings, and networks for them whose answer is known, to test samplers with."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from diffusers import DPMSolverMultistepScheduler

from domain.samplers import Schedule, Scheduler

__all__ = [
    "PLAIN",
    "STABLE_DIFFUSION",
    "VELOCITY",
    "ZERO_TERMINAL",
    "Network",
    "configuration",
    "drawn",
    "gaussian",
    "signal_at",
    "sure_of",
]

PLAIN = [name for name in Scheduler if name.schedule is Schedule.AUTOMATIC]
"""Each sampler with its own schedule."""
STABLE_DIFFUSION = {
    "num_train_timesteps": 1000,
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "steps_offset": 1,
    "prediction_type": "epsilon",
}
VELOCITY = STABLE_DIFFUSION | {"prediction_type": "v_prediction"}
ZERO_TERMINAL = VELOCITY | {"rescale_betas_zero_snr": True}
_LEAST_SIGNAL = 2.0**-24

Network = Callable[[torch.Tensor, float], torch.Tensor]
"""The finished latents that follow from (the noisy latents, the share of signal in them)."""


def configuration(**fields: object) -> Mapping[str, Any]:
    """Return the scheduler configuration of a pipeline that was loaded with these fields."""
    found: Mapping[str, Any] = DPMSolverMultistepScheduler.from_config(fields).config
    return found


def signal_at(time: float, training: Mapping[str, object]) -> float:
    """Return how much of the picture is left at a time: the product of the alphas, in float64.

    Of Ho et al., arXiv:2006.11239, equation 4; rescaled as algorithm 1 of Lin et al.,
    arXiv:2305.08891. Between two times it interpolates the logarithm of the noise-to-picture ratio.
    """
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2
    root = (1 - betas).cumprod(0).sqrt()
    if training.get("rescale_betas_zero_snr"):
        root = (root - root[-1]) * root[0] / (root[0] - root[-1])
    signal = (root**2).clamp(min=_LEAST_SIGNAL)
    logarithms = ((1 - signal) / signal).log().numpy() / 2
    return float(1 / (1 + np.exp(2 * np.interp(time, np.arange(1000), logarithms))))


def sure_of(clean: torch.Tensor) -> Network:
    """A network that knows that this is the picture."""
    return lambda seen, signal: clean.double().expand_as(seen)


def gaussian(mean: float, deviation: float) -> Network:
    """The best possible network if every number of the latents is normally distributed.

    The mean of the clean latents given the noisy ones, by Bayes' rule for two normal distributions.
    """

    def network(seen: torch.Tensor, signal: float) -> torch.Tensor:
        variance = signal * deviation**2 + 1 - signal
        return mean + signal**0.5 * deviation**2 / variance * (seen - signal**0.5 * mean)

    return network


def drawn(
    scheduler: Any,
    steps: int,
    training: Mapping[str, object],
    network: Network,
    *,
    seeds: tuple[int, ...] = (5,),
    side: int = 4,
    dtype: torch.dtype = torch.float32,
    begin: torch.Tensor | None = None,
) -> torch.Tensor:
    """Draw with a scheduler and a network as a pipeline does; return (seeds, 4, side, side)."""
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    scheduler.set_timesteps(steps)
    noise = [torch.randn(1, 4, side, side, generator=each) for each in generators]
    latents = (torch.cat(noise) if begin is None else begin) * scheduler.init_noise_sigma
    latents = latents.to(dtype)
    has_noise = "generator" in scheduler.step.__code__.co_varnames
    for time in scheduler.timesteps:
        seen = scheduler.scale_model_input(latents, time).double()
        signal = signal_at(float(time), training)
        clean = network(seen, signal)
        told = (seen - signal**0.5 * clean) / (1 - signal) ** 0.5
        if training["prediction_type"] == "v_prediction":
            told = signal**0.5 * told - (1 - signal) ** 0.5 * clean
        extra = {"generator": generators} if has_noise else {}
        latents = scheduler.step(told.to(dtype), time, latents, return_dict=False, **extra)[0]
    return latents
