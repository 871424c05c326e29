"""Samplers of diffusers that evaluate the network once in a step."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from diffusers import (
    DDIMScheduler,
    DPMSolverMultistepScheduler,
    EulerAncestralDiscreteScheduler,
    EulerDiscreteScheduler,
    LCMScheduler,
    PNDMScheduler,
    TCDScheduler,
    UniPCMultistepScheduler,
)

# diffusers exports this class under its short name only if scipy is installed.
from diffusers.schedulers.scheduling_lms_discrete import LMSDiscreteScheduler

from adapters.diffusion.sampling.spacing import is_leap
from adapters.diffusion.sampling.steps import (
    Evaluation,
    ExactSteps,
    Mixture,
    SingleStep,
    Taken,
    clean_latents,
    mixture_of_signal,
)

__all__ = ["Ddim", "Dpm", "Euler", "EulerAncestral", "Lcm", "Lms", "Plms", "Tcd", "UniPc"]

_LMS_ORDER = 4
_MOST_GAIN = 1.2
"""The largest factor of a change of the newest finished latents in the next latents, if the step
adds noise. Larger factors leave noise in pictures of the demo checkpoint at guidance 7.5."""
_FEW_STEPS = 8
_ADAMS_BASHFORTH = 2, 11 / 3, 20 / 3
"""The sum of the weights' absolute values, for the orders 2, 3 and 4."""


class Euler(SingleStep, EulerDiscreteScheduler):
    """Euler's method over noise levels."""


class EulerAncestral(SingleStep, EulerAncestralDiscreteScheduler):
    """As `Euler`, but each step goes further down, and then up by new noise."""


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


class _Multistep(ExactSteps):
    """A sampler whose latents have variance 1, with a noise level sigma for each step."""

    def mixture(self, evaluation: int) -> Mixture:
        """As `ExactSteps.mixture`."""
        return mixture_of_signal(1 / (float(self.sigmas[evaluation]) ** 2 + 1))


class UniPc(_Multistep, UniPCMultistepScheduler):
    """Zhao et al., arXiv:2302.04867."""


class Lms(SingleStep, LMSDiscreteScheduler):
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


class Dpm(_Multistep, DPMSolverMultistepScheduler):
    """The multistep DPM-Solver++ of Lu et al., arXiv:2211.01095."""

    @property
    def drops_least_noise(self) -> bool:  # type: ignore[override]
        """As `ExactSteps.drops_least_noise`: True for the third order alone."""
        return bool(self.config.solver_order == 3)

    def multistep_dpm_solver_second_order_update(
        self,
        model_output_list: list[torch.Tensor],
        *args: Any,
        sample: torch.Tensor | None = None,
        noise: torch.Tensor | None = None,
        **kwargs: Any,
    ) -> torch.Tensor:
        """As in diffusers, but with few steps and new noise, a long step is of first order."""
        if noise is not None and self.num_inference_steps <= _FEW_STEPS:
            index = self.step_index
            levels = self.sigmas[index - 1 : index + 2]
            h_1, h = (levels[:-1] / levels[1:]).log()
            gain = (1 - math.exp(-2 * float(h))) * (1 + float(h / h_1) / 2)
            if gain > _MOST_GAIN:
                first: torch.Tensor = self.dpm_solver_first_order_update(
                    model_output_list[-1], *args, sample=sample, noise=noise, **kwargs
                )
                return first
        second: torch.Tensor = super().multistep_dpm_solver_second_order_update(
            model_output_list, *args, sample=sample, noise=noise, **kwargs
        )
        return second

    def multistep_dpm_solver_third_order_update(
        self,
        model_output_list: list[torch.Tensor],
        *args: Any,
        sample: torch.Tensor | None = None,
        noise: torch.Tensor | None = None,
        **kwargs: Any,
    ) -> torch.Tensor:
        """As in diffusers, except for the stochastic form, whose last term has a wrong sign there.

        The factors are those of k-diffusion's `sample_dpmpp_3m_sde` at eta 1. The factor of the
        second difference is (exp(-2 h) - 1 + 2 h) / (2 h)^2 - 1/2, and the term is subtracted.
        diffusers adds the negative of that factor less 1, which does not vanish with the length of
        the step. A step that is too long, or much longer than the steps before it, is of second
        order, because the third order would extrapolate too far.
        """
        if self.config.algorithm_type != "sde-dpmsolver++":
            found: torch.Tensor = super().multistep_dpm_solver_third_order_update(
                model_output_list, *args, sample=sample, noise=noise, **kwargs
            )
            return found
        assert sample is not None and noise is not None  # noqa: S101 - the form needs both
        index = self.step_index
        sigmas = self.sigmas[[index + 1, index, index - 1, index - 2]].double()
        lower = sigmas[0]
        h, h_1, h_2 = (sigmas[1:] / sigmas[:-1]).log()
        alpha, sigma_t = (part.item() for part in self._sigma_to_alpha_sigma_t(lower))
        _, sigma_s = self._sigma_to_alpha_sigma_t(sigmas[1])
        newest, older, oldest = model_output_list[-1], model_output_list[-2], model_output_list[-3]
        r_0, r_1 = (h_1 / h).item(), (h_2 / h).item()
        change, older_change = (newest - older) / r_0, (older - oldest) / r_1
        slope = change + (change - older_change) * (r_0 / (r_0 + r_1))
        bend = (change - older_change) / (r_0 + r_1)
        twice = 2 * h.item()
        decay = float(np.exp(-twice))
        phi_2 = (decay - 1) / twice + 1
        phi_3 = phi_2 / twice - 0.5
        gain = 1 - decay + (phi_2 * (1 + r_0 / (r_0 + r_1)) - phi_3 / (r_0 + r_1)) / r_0
        if gain > _MOST_GAIN or self.num_inference_steps <= _FEW_STEPS:
            second: torch.Tensor = self.multistep_dpm_solver_second_order_update(
                model_output_list, *args, sample=sample, noise=noise, **kwargs
            )
            return second
        return (
            (sigma_t / sigma_s.item() * decay**0.5) * sample
            + alpha * ((1 - decay) * newest + phi_2 * slope - phi_3 * bend)
            + sigma_t * (1 - decay) ** 0.5 * noise
        )
