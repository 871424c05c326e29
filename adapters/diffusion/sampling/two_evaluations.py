"""Samplers of second order, which evaluate the network twice in a step.

diffusers has three of the five in their published form, each with a spacing of its own. In this
module all five share one loop over noise levels, so each of them supports every noise schedule.
Sources of the formulas: Karras et al., arXiv:2206.00364, algorithm 1 (Heun); Lu et al.,
arXiv:2206.00927, algorithm 1 (DPM2); Lu et al., arXiv:2211.01095 (DPM++ 2S, and its stochastic
form); k-diffusion's `sampling.py` for the split of a step into a step down and new noise. Tests
compare the samplers with all of these.
"""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from diffusers import EulerDiscreteScheduler
from diffusers.utils.torch_utils import randn_tensor

from adapters.diffusion.sampling.spacing import is_leap
from adapters.diffusion.sampling.steps import (
    Evaluation,
    Mixture,
    SingleStep,
    Taken,
    clean_latents,
)

__all__ = ["Dpm2", "Dpm2Ancestral", "DpmPlusPlus2SAncestral", "DpmPlusPlusSde", "Heun"]

_Noise = Callable[[], torch.Tensor]
"""Returns new noise of variance 1, which differs between pictures."""


@dataclass(frozen=True, slots=True)
class _Evaluated:
    """The latents at a noise level, and the network's prediction of the finished latents."""

    sigma: float
    latents: torch.Tensor
    clean: torch.Tensor

    @property
    def slope(self) -> torch.Tensor:
        """The derivative of the latents by sigma, in the differential equation of Karras et al."""
        return (self.latents - self.clean) / self.sigma

    def at(self, sigma: float, clean: torch.Tensor) -> torch.Tensor:
        """Return the exact latents at `sigma` if the finished latents are `clean`."""
        return clean + (sigma / self.sigma) * (self.latents - clean)


class _TwoEvaluations(SingleStep, EulerDiscreteScheduler):
    """Takes a step from sigma to `lower` with one evaluation at sigma and another at `middle`.

    The last step has one evaluation, and goes to the finished latents of that evaluation. The Euler
    class supplies the tables of the training and the spacing that a model's configuration asks for.
    """

    order = 2
    _levels: Sequence[float]
    """The sigma of each step, then 0."""
    _seen: Sequence[float]
    """The sigma of each evaluation."""
    _first: _Evaluated | None = None
    """The first evaluation of a step, until the second one; None between steps."""

    @abstractmethod
    def middle(self, sigma: float, lower: float) -> float:
        """Return the noise level of the second evaluation."""

    @abstractmethod
    def half(self, first: _Evaluated, middle: float, noise: _Noise) -> torch.Tensor:
        """Return the latents for the second evaluation."""

    @abstractmethod
    def whole(
        self, first: _Evaluated, second: _Evaluated, lower: float, noise: _Noise
    ) -> torch.Tensor:
        """Return the latents after the step."""

    def arranged(self, num_inference_steps: int) -> torch.Tensor:
        """As `ExactSteps.arranged`, with the second evaluations between the first ones."""
        of_steps = super().arranged(num_inference_steps)
        self._levels = levels = self.sigmas.double().tolist()
        self._seen = seen = levels[:1]
        for sigma, lower in pairwise(levels[:-1]):
            seen += [self.middle(sigma, lower), lower]
        timesteps = torch.from_numpy(self.timesteps_at(np.array(seen))).float()
        timesteps[::2] = of_steps
        return timesteps

    def steps_done(self, evaluations: int) -> int | None:
        """As `ExactSteps.steps_done`."""
        is_last = self.begins_at + evaluations == len(self._seen)
        return None if evaluations % 2 and not is_last else (evaluations + 1) // 2

    def scale_model_input(self, sample: torch.Tensor, timestep: Any = None) -> torch.Tensor:
        """Return the input of the network, of variance 1."""
        return sample / (self._seen[self._next_evaluation] ** 2 + 1) ** 0.5

    def mixture(self, evaluation: int) -> Mixture:
        """As `ExactSteps.mixture`."""
        return Mixture(1.0, self._seen[evaluation])

    def add_noise(
        self, original_samples: torch.Tensor, noise: torch.Tensor, timesteps: Any = None
    ) -> torch.Tensor:
        """Return the latents with the next evaluation's noise, to begin from a picture."""
        return original_samples + noise * self._seen[self._next_evaluation]

    def taken(self, seen: Evaluation) -> Taken:
        """As `SingleStep.taken`, for one evaluation."""
        number = self._next_evaluation - 1
        sigma, lower = self._seen[number], self._levels[number // 2 + 1]
        signal = 1 / (sigma**2 + 1)
        kind = self.config.prediction_type
        clean = clean_latents(kind, seen.prediction, seen.sample * signal**0.5, signal)
        evaluated, first = _Evaluated(sigma, seen.sample, clean), self._first

        def noise() -> torch.Tensor:
            return randn_tensor(
                seen.sample.shape, seen.generator, seen.sample.device, torch.float32
            )

        if lower == 0:
            return clean, clean
        if number % 2 == 0 or first is None:
            self._first = evaluated
            return self.half(evaluated, self._seen[number + 1], noise), clean
        self._first = None
        return self.whole(first, evaluated, lower, noise), clean


def _between(sigma: float, lower: float) -> float:
    """Return the geometric mean of two noise levels."""
    return float((sigma * lower) ** 0.5)


def _split(sigma: float, lower: float) -> tuple[float, float]:
    """Return the sigma that a step goes down to, and the new noise that then leads to `lower`.

    As k-diffusion's `get_ancestral_step` at eta 1, which adds all the noise that it may.
    """
    up = lower * (1 - lower**2 / sigma**2) ** 0.5
    return float((lower**2 - up**2) ** 0.5), up


class Heun(_TwoEvaluations):
    """Uses the mean of the slopes at both ends of a step."""

    def middle(self, sigma: float, lower: float) -> float:
        """Return the end of the step."""
        return lower

    def half(self, first: _Evaluated, middle: float, noise: _Noise) -> torch.Tensor:
        """Take a step of Euler's method."""
        return first.latents + first.slope * (middle - first.sigma)

    def whole(
        self, first: _Evaluated, second: _Evaluated, lower: float, noise: _Noise
    ) -> torch.Tensor:
        """Apply the trapezoidal rule."""
        if is_leap(first.sigma, lower):
            return first.at(lower, (first.clean + second.clean) / 2)
        return first.latents + (first.slope + second.slope) / 2 * (lower - first.sigma)


class Dpm2(_TwoEvaluations):
    """Uses the slope in the middle of a step."""

    drops_least_noise = True

    def middle(self, sigma: float, lower: float) -> float:
        """Return the geometric mean of both ends."""
        return _between(sigma, lower)

    def half(self, first: _Evaluated, middle: float, noise: _Noise) -> torch.Tensor:
        """Take a step of Euler's method."""
        return first.latents + first.slope * (middle - first.sigma)

    def whole(
        self, first: _Evaluated, second: _Evaluated, lower: float, noise: _Noise
    ) -> torch.Tensor:
        """Apply the midpoint rule."""
        if is_leap(first.sigma, lower):
            return first.at(lower, second.clean)
        return first.latents + second.slope * (lower - first.sigma)


class Dpm2Ancestral(Dpm2):
    """As `Dpm2`, but each step goes further down, and then up by new noise."""

    def middle(self, sigma: float, lower: float) -> float:
        """Return the geometric mean of sigma and the sigma that the step goes down to."""
        return _between(sigma, _split(sigma, lower)[0])

    def whole(
        self, first: _Evaluated, second: _Evaluated, lower: float, noise: _Noise
    ) -> torch.Tensor:
        """Apply the midpoint rule, and add new noise."""
        down, up = _split(first.sigma, lower)
        return super().whole(first, second, down, noise) + up * noise()


class DpmPlusPlus2SAncestral(_TwoEvaluations):
    """Uses the finished latents predicted in the middle of a step, and new noise."""

    def middle(self, sigma: float, lower: float) -> float:
        """Return the geometric mean of sigma and the sigma that the step goes down to."""
        return _between(sigma, _split(sigma, lower)[0])

    def half(self, first: _Evaluated, middle: float, noise: _Noise) -> torch.Tensor:
        """Go towards the finished latents of the first evaluation."""
        return first.at(middle, first.clean)

    def whole(
        self, first: _Evaluated, second: _Evaluated, lower: float, noise: _Noise
    ) -> torch.Tensor:
        """Go towards the finished latents of the second evaluation, and up by new noise."""
        down, up = _split(first.sigma, lower)
        return first.at(down, second.clean) + up * noise()


class DpmPlusPlusSde(_TwoEvaluations):
    """Solves the stochastic differential equation, with new noise at both evaluations.

    As in k-diffusion, both noises are parts of one Brownian motion over sigma. The noise of the
    whole step is the sum of the noise of its two halves.
    """

    _of_first_half: torch.Tensor

    def middle(self, sigma: float, lower: float) -> float:
        """Return the geometric mean of both ends."""
        return _between(sigma, lower)

    def half(self, first: _Evaluated, middle: float, noise: _Noise) -> torch.Tensor:
        """Go towards the finished latents of the first evaluation, and up by new noise."""
        down, up = _split(first.sigma, middle)
        self._of_first_half = noise()
        return first.at(down, first.clean) + up * self._of_first_half

    def whole(
        self, first: _Evaluated, second: _Evaluated, lower: float, noise: _Noise
    ) -> torch.Tensor:
        """Go towards the finished latents of the second evaluation, and up by new noise."""
        down, up = _split(first.sigma, lower)
        share = (first.sigma - second.sigma) / (first.sigma - lower)
        motion = share**0.5 * self._of_first_half + (1 - share) ** 0.5 * noise()
        return first.at(down, second.clean) + up * motion
