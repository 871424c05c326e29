"""Samplers of second order, which look at the picture twice a step.

diffusers has three of the five as they are meant, each with a spacing of its own. Here all
share one loop over noise levels, so that each takes every schedule. Sources of the formulas: Karras
et al., arXiv:2206.00364, algorithm 1 (Heun); Lu et al., arXiv:2206.00927, algorithm 1 (DPM2); Lu et
al., arXiv:2211.01095 (DPM++ 2S, and its stochastic form); k-diffusion's `sampling.py` for how a
step is split into one down and new noise. Tests compare them with all of these.
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

from adapters.diffusion.sampling.spacing import is_leap, timesteps_of
from adapters.diffusion.sampling.steps import Evaluation, SingleStep, Taken, clean_latents

__all__ = ["Dpm2", "Dpm2Ancestral", "DpmPlusPlus2SAncestral", "DpmPlusPlusSde", "Heun"]

_Noise = Callable[[], torch.Tensor]
"""Makes new noise of variance 1, of each picture its own."""


@dataclass(frozen=True, slots=True)
class _Look:
    """What was seen at a noise level, and the finished latents that the network took it for."""

    sigma: float
    latents: torch.Tensor
    clean: torch.Tensor

    @property
    def slope(self) -> torch.Tensor:
        """The change of the latents by sigma, of the differential equation of Karras et al."""
        return (self.latents - self.clean) / self.sigma

    def at(self, sigma: float, clean: torch.Tensor) -> torch.Tensor:
        """The exact latents at `sigma` if `clean` is what they end in."""
        return clean + (sigma / self.sigma) * (self.latents - clean)


class _TwoLooks(SingleStep, EulerDiscreteScheduler):
    """One step from sigma to `lower` by a look at sigma and another one at `middle`.

    The last step goes to no noise, with one look: to the finished latents of it. Euler's class is
    there for the tables of the training, and for the spacing that a model's configuration asks for.
    """

    order = 2
    _levels: Sequence[float]
    """The sigma of each step, and a 0."""
    _seen: Sequence[float]
    """The sigma of each look."""
    _first: _Look | None = None
    """The first look of a step that waits for its second."""

    @abstractmethod
    def middle(self, sigma: float, lower: float) -> float:
        """At how much noise the second look is."""

    @abstractmethod
    def half(self, first: _Look, middle: float, noise: _Noise) -> torch.Tensor:
        """The latents for the second look."""

    @abstractmethod
    def whole(self, first: _Look, second: _Look, lower: float, noise: _Noise) -> torch.Tensor:
        """The latents after the step."""

    def arranged(self, num_inference_steps: int) -> torch.Tensor:
        """As `ExactSteps.arranged`, with the timesteps of second looks between the others."""
        of_steps = super().arranged(num_inference_steps)
        self._levels = levels = self.sigmas.double().tolist()
        self._seen = seen = levels[:1]
        for sigma, lower in pairwise(levels[:-1]):
            seen += [self.middle(sigma, lower), lower]
        timesteps = torch.from_numpy(timesteps_of(np.array(seen), self.training_levels())).float()
        timesteps[::2] = of_steps
        return timesteps

    def steps_done(self, looks: int) -> int | None:
        """As `ExactSteps.steps_done`."""
        is_last = self.begins_at + looks == len(self._seen)
        return None if looks % 2 and not is_last else (looks + 1) // 2

    def scale_model_input(self, sample: torch.Tensor, timestep: Any = None) -> torch.Tensor:
        """What the network sees, of variance 1."""
        return sample / (self._seen[self._look] ** 2 + 1) ** 0.5

    def add_noise(
        self, original_samples: torch.Tensor, noise: torch.Tensor, timesteps: Any = None
    ) -> torch.Tensor:
        """The latents with as much noise as the next look sees, for what begins with a picture."""
        return original_samples + noise * self._seen[self._look]

    def taken(self, seen: Evaluation) -> Taken:
        """As `SingleStep.taken`, of one look."""
        number = self._look - 1
        sigma, lower = self._seen[number], self._levels[number // 2 + 1]
        signal = 1 / (sigma**2 + 1)
        kind = self.config.prediction_type
        clean = clean_latents(kind, seen.prediction, seen.sample * signal**0.5, signal)
        look, first = _Look(sigma, seen.sample, clean), self._first

        def noise() -> torch.Tensor:
            return randn_tensor(
                seen.sample.shape, seen.generator, seen.sample.device, torch.float32
            )

        if lower == 0:
            return clean, clean
        if number % 2 == 0 or first is None:
            self._first = look
            return self.half(look, self._seen[number + 1], noise), clean
        self._first = None
        return self.whole(first, look, lower, noise), clean


def _between(sigma: float, lower: float) -> float:
    """The middle of two noise levels by their logarithms."""
    return float((sigma * lower) ** 0.5)


def _split(sigma: float, lower: float) -> tuple[float, float]:
    """To which sigma a step goes down, and how much new noise then leads to `lower`.

    As k-diffusion's `get_ancestral_step` at eta 1: all of the noise that the way back would add.
    """
    up = lower * (1 - lower**2 / sigma**2) ** 0.5
    return float((lower**2 - up**2) ** 0.5), up


class Heun(_TwoLooks):
    """The mean of the slopes at both ends of a step."""

    def middle(self, sigma: float, lower: float) -> float:
        """The second look is at the step's end."""
        return lower

    def half(self, first: _Look, middle: float, noise: _Noise) -> torch.Tensor:
        """A step of Euler's."""
        return first.latents + first.slope * (middle - first.sigma)

    def whole(self, first: _Look, second: _Look, lower: float, noise: _Noise) -> torch.Tensor:
        """The trapezoidal rule."""
        if is_leap(first.sigma, lower):
            return first.at(lower, (first.clean + second.clean) / 2)
        return first.latents + (first.slope + second.slope) / 2 * (lower - first.sigma)


class Dpm2(_TwoLooks):
    """The slope in the middle of a step."""

    drops_least_noise = True

    def middle(self, sigma: float, lower: float) -> float:
        """The second look is half way by the logarithm of the noise."""
        return _between(sigma, lower)

    def half(self, first: _Look, middle: float, noise: _Noise) -> torch.Tensor:
        """A step of Euler's."""
        return first.latents + first.slope * (middle - first.sigma)

    def whole(self, first: _Look, second: _Look, lower: float, noise: _Noise) -> torch.Tensor:
        """The midpoint rule."""
        if is_leap(first.sigma, lower):
            return first.at(lower, second.clean)
        return first.latents + second.slope * (lower - first.sigma)


class Dpm2Ancestral(Dpm2):
    """As `Dpm2`, further down and then up by new noise."""

    def middle(self, sigma: float, lower: float) -> float:
        """The second look is half way down, which is at the step's end."""
        return _between(sigma, _split(sigma, lower)[0])

    def whole(self, first: _Look, second: _Look, lower: float, noise: _Noise) -> torch.Tensor:
        """The midpoint rule, and new noise."""
        down, up = _split(first.sigma, lower)
        return super().whole(first, second, down, noise) + up * noise()


class DpmPlusPlus2SAncestral(_TwoLooks):
    """The finished latents as the middle of a step shows them, and new noise."""

    def middle(self, sigma: float, lower: float) -> float:
        """The second look is half way down, which is at the step's end."""
        return _between(sigma, _split(sigma, lower)[0])

    def half(self, first: _Look, middle: float, noise: _Noise) -> torch.Tensor:
        """Towards the finished latents of the first look."""
        return first.at(middle, first.clean)

    def whole(self, first: _Look, second: _Look, lower: float, noise: _Noise) -> torch.Tensor:
        """Towards those of the second one, and up again."""
        down, up = _split(first.sigma, lower)
        return first.at(down, second.clean) + up * noise()


class DpmPlusPlusSde(_TwoLooks):
    """The stochastic differential equation, with new noise at both looks.

    Both are parts of one Brownian motion over sigma, as in k-diffusion: the noise of the whole step
    is that of its first half and that of its second half.
    """

    _of_first_half: torch.Tensor

    def middle(self, sigma: float, lower: float) -> float:
        """The second look is half way by the logarithm of the noise."""
        return _between(sigma, lower)

    def half(self, first: _Look, middle: float, noise: _Noise) -> torch.Tensor:
        """Towards the finished latents of the first look, and up again."""
        down, up = _split(first.sigma, middle)
        self._of_first_half = noise()
        return first.at(down, first.clean) + up * self._of_first_half

    def whole(self, first: _Look, second: _Look, lower: float, noise: _Noise) -> torch.Tensor:
        """Towards those of the second one, and up again."""
        down, up = _split(first.sigma, lower)
        share = (first.sigma - second.sigma) / (first.sigma - lower)
        motion = share**0.5 * self._of_first_half + (1 - share) ** 0.5 * noise()
        return first.at(down, second.clean) + up * motion
