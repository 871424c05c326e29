"""Samplers of diffusers that evaluate the network once in a step."""

import math
from collections.abc import Sequence

import torch
from diffusers import (
    DDIMScheduler,
    EulerAncestralDiscreteScheduler,
    EulerDiscreteScheduler,
    LCMScheduler,
    PNDMScheduler,
    TCDScheduler,
)

# diffusers exports this class under its short name only if scipy is installed.
from diffusers.schedulers.scheduling_lms_discrete import LMSDiscreteScheduler

from adapters.diffusion.sampling.spacing import is_leap
from adapters.diffusion.sampling.steps import (
    Evaluation,
    Mixture,
    SingleStep,
    Taken,
    clean_latents,
    mixture_of_signal,
)

__all__ = ["Ddim", "Euler", "EulerAncestral", "Lcm", "Lms", "Plms", "Tcd", "ToldNoise"]

_LMS_ORDER = 4
_ADAMS_BASHFORTH = 2, 11 / 3, 20 / 3
"""The sum of the weights' absolute values, for the orders 2, 3 and 4."""


class Euler(SingleStep, EulerDiscreteScheduler):
    """Euler's method over noise levels."""


class ToldNoise(SingleStep):
    """A sampler over noise levels whose class needs predicted noise.

    Attributes:
        network_prediction: The type of the network's prediction, if it is not that of the class.
    """

    network_prediction: str | None = None

    def as_told(self, seen: Evaluation) -> Evaluation:
        """Return the evaluation with predicted noise."""
        if self.network_prediction is None:
            return seen
        sigma = float(self.sigmas[self._next_evaluation - 1])
        signal = 1 / (sigma**2 + 1)
        sample = seen.sample * signal**0.5
        clean = clean_latents(self.network_prediction, seen.prediction, sample, signal)
        return seen._replace(prediction=(seen.sample - clean) / sigma)


class EulerAncestral(ToldNoise, EulerAncestralDiscreteScheduler):
    """As `Euler`, but each step goes further down, and then up by new noise."""

    def taken(self, seen: Evaluation) -> Taken:
        """As `SingleStep.taken`."""
        return super().taken(self.as_told(seen))


class _OfVarianceOne(SingleStep):
    """A sampler whose latents have variance 1, looked up by the timestep."""

    alphas_cumprod: torch.Tensor

    def mixture(self, evaluation: int) -> Mixture:
        """As `ExactSteps.mixture`."""
        timestep = int(self.timesteps_on_cpu[evaluation])
        return mixture_of_signal(float(self.alphas_cumprod[timestep]))


class Ddim(_OfVarianceOne, DDIMScheduler):
    """Song et al., arXiv:2010.02502, without new noise."""


class Lcm(_OfVarianceOne, LCMScheduler):
    """Jumps to the finished latents, and back by new noise."""


class Lms(ToldNoise, LMSDiscreteScheduler):
    """A linear multistep method of fourth order over noise levels."""

    def get_lms_coefficient(self, order: int, t: int, current_order: int) -> float:
        """As in diffusers, but exact and without its thousand operations on tensors.

        The coefficient is the integral of a Lagrange polynomial over a step. The polynomial has at
        most the third degree, so Gauss-Legendre quadrature with two points is exact.
        """
        levels = self._levels
        nodes = [levels[t - number] for number in range(order)]
        middle, reach = (levels[t] + levels[t + 1]) / 2, (levels[t + 1] - levels[t]) / 2
        points = (middle - reach / 3**0.5, middle + reach / 3**0.5)
        return reach * sum(_lagrange(nodes, current_order, point) for point in points)

    def arranged(self, num_inference_steps: int) -> torch.Tensor:
        """As `ExactSteps.arranged`."""
        timesteps = super().arranged(num_inference_steps)
        self._levels: Sequence[float] = self.sigmas.double().tolist()
        return timesteps

    def _is_stable(self, order: int) -> bool:
        """Whether the weights of the slopes are small enough for this step's noise level.

        A multistep method of any order becomes unstable if the weights are larger than 2 divided by
        the rate at which the slopes change (Hairer and Wanner, Solving Ordinary Differential
        Equations II, V.1). Guidance makes this rate about twice as high. At fourth order 20 steps
        are already too few.
        """
        now = self._next_evaluation - 1
        weights = (self.get_lms_coefficient(order, now, each) for each in range(order))
        return sum(map(abs, weights)) <= self._levels[now]

    def taken(self, seen: Evaluation) -> Taken:
        """As `SingleStep.taken`, without new noise.

        The order is as high as is stable, and at most the number of evaluations so far. For a
        drawing that begins in the middle, diffusers counts evaluations that did not happen.
        """
        seen = self.as_told(seen)
        order = min(len(self.derivatives) + 1, _LMS_ORDER)
        while order > 1 and not self._is_stable(order):
            order -= 1
        drawn, clean = LMSDiscreteScheduler.step(
            self, seen.prediction, seen.timestep, seen.sample, order=order, return_dict=False
        )
        return drawn, clean


def _lagrange(nodes: Sequence[float], number: int, point: float) -> float:
    """Return the value at a point of the polynomial that is 1 at one node and 0 at the others."""
    others = [node for index, node in enumerate(nodes) if index != number]
    return math.prod((point - node) / (nodes[number] - node) for node in others)


class Tcd(_OfVarianceOne, TCDScheduler):
    """Zheng et al., arXiv:2402.19159, with their amount of new noise (gamma 0.3)."""

    def taken(self, seen: Evaluation) -> Taken:
        """As `SingleStep.taken`. diffusers returns noised latents in place of the finished ones."""
        drawn, _ = super().taken(seen)
        signal = float(self.alphas_cumprod[seen.timestep])
        return drawn, clean_latents(
            self.config.prediction_type, seen.prediction, seen.sample, signal
        )


class Plms(_OfVarianceOne, PNDMScheduler):
    """Liu et al., arXiv:2202.09778, without their Runge-Kutta steps.

    The first step evaluates the network twice.

    Attributes:
        network_prediction: The type of the network's prediction. The method needs predicted noise,
            so `prediction_type` is always that of noise. diffusers averages predicted velocities,
            which is wrong.
    """

    network_prediction = "epsilon"
    _start: torch.Tensor
    """The latents of the first evaluation."""
    _signal: float
    """The share of the picture in `_start`."""
    ets: list[torch.Tensor]
    _kept: Sequence[torch.Tensor] = ()
    """The noise of the last evaluations, except for the second one."""

    def arranged(self, num_inference_steps: int) -> torch.Tensor:
        """As `ExactSteps.arranged`, with one more for the first step's second evaluation."""
        self._kept = ()
        return self.timesteps[: num_inference_steps + 1]

    def steps_done(self, evaluations: int) -> int | None:
        """As `ExactSteps.steps_done`."""
        if len(self.timesteps_on_cpu) == 1 or self.begins_at:
            return evaluations
        return evaluations - 1 if evaluations > 1 else None

    def taken(self, seen: Evaluation) -> Taken:
        """As `SingleStep.taken`, without new noise."""
        signal = float(self.alphas_cumprod[seen.timestep])
        clean = clean_latents(self.network_prediction, seen.prediction, seen.sample, signal)
        noise = (seen.sample - signal**0.5 * clean) / (1 - signal) ** 0.5
        if self._next_evaluation == 1:
            self._start, self._signal = seen.sample, signal
        elif self._next_evaluation == 2 and is_leap(_sigma(self._signal), _sigma(signal)):
            # The second evaluation of the first step, whose mean with the first is taken.
            root, rest = self._signal**0.5, (1 - self._signal) ** 0.5
            noise = 2 * (self._start - root * clean) / rest - self.ets[-1]
        if self.counter > 1:
            order = min(len(self._kept) + 1, self._stable_order(seen.timestep))
            # The first order takes the mean of the noise with itself.
            self.ets = list(self._kept[1 - order :]) if order > 1 else [noise]
        if self.counter != 1:
            self._kept = (*self._kept[-2:], noise)
        (drawn,) = PNDMScheduler.step(self, noise, seen.timestep, seen.sample, return_dict=False)
        return drawn, clean

    def _stable_order(self, timestep: torch.Tensor) -> int:
        """Return the highest stable order, as in `Lms`, for the step from `timestep`.

        The weights are those of equal steps.
        """
        before = int(timestep) - self.config.num_train_timesteps // self.num_inference_steps
        lower = self.alphas_cumprod[before] if before >= 0 else self.final_alpha_cumprod
        share = 1 - _sigma(float(lower)) / _sigma(float(self.alphas_cumprod[timestep]))
        return 1 + sum(weights * share <= 1 for weights in _ADAMS_BASHFORTH)


def _sigma(signal: float) -> float:
    return float(((1 - signal) / signal) ** 0.5)
