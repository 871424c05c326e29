"""Samplers of diffusers that look at the picture once a step."""

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

# diffusers offers it by its short name only where scipy is installed.
from diffusers.schedulers.scheduling_lms_discrete import LMSDiscreteScheduler

from adapters.diffusion.sampling.spacing import is_leap
from adapters.diffusion.sampling.steps import ExactSteps, SingleStep, clean_latents

__all__ = ["Ddim", "Dpm", "Euler", "EulerAncestral", "Lcm", "Lms", "Plms", "Tcd", "UniPc"]

_LMS_ORDER = 4


class Euler(SingleStep, EulerDiscreteScheduler):
    """Euler's method over noise levels."""


class EulerAncestral(SingleStep, EulerAncestralDiscreteScheduler):
    """As `Euler`, further down and then up by new noise."""


class Ddim(SingleStep, DDIMScheduler):
    """Song et al., arXiv:2010.02502, without new noise."""


class Lcm(SingleStep, LCMScheduler):
    """Leaps to the finished latents, and back by new noise."""


class UniPc(ExactSteps, UniPCMultistepScheduler):
    """Zhao et al., arXiv:2302.04867."""


class Lms(SingleStep, LMSDiscreteScheduler):
    """A linear multistep method of fourth order over noise levels."""

    def get_lms_coefficient(self, order: int, t: int, current_order: int) -> float:
        """As diffusers', exact and without its thousand operations on tensors.

        It is the integral of a Lagrange polynomial of at most third degree over a step, for which
        two points of Gauss and Legendre suffice.
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

    def taken(
        self,
        model_output: torch.Tensor,
        timestep: torch.Tensor,
        sample: torch.Tensor,
        generator: list[torch.Generator] | None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """As `SingleStep.taken`, without new noise.

        The order is that of the looks there were: diffusers counts those before the first one too
        where a drawing begins in the middle.
        """
        order = min(len(self.derivatives) + 1, _LMS_ORDER)
        drawn, clean = LMSDiscreteScheduler.step(
            self, model_output, timestep, sample, order=order, return_dict=False
        )
        return drawn, clean


def _lagrange(nodes: Sequence[float], number: int, point: float) -> float:
    """The polynomial that is 1 at one of the nodes and 0 at the others, at a point."""
    others = [node for index, node in enumerate(nodes) if index != number]
    return float(np.prod([(point - node) / (nodes[number] - node) for node in others]))


class Tcd(SingleStep, TCDScheduler):
    """Zheng et al., arXiv:2402.19159, with as much new noise as they have (gamma 0.3)."""

    def taken(
        self,
        model_output: torch.Tensor,
        timestep: torch.Tensor,
        sample: torch.Tensor,
        generator: list[torch.Generator] | None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """As `SingleStep.taken`; what diffusers tells beside the next latents is noised again."""
        drawn, _ = super().taken(model_output, timestep, sample, generator)
        signal = float(self.alphas_cumprod[timestep])
        return drawn, clean_latents(self.config.prediction_type, model_output, sample, signal)


class Plms(SingleStep, PNDMScheduler):
    """Liu et al., arXiv:2202.09778, without their Runge-Kutta steps.

    The first step has two looks.

    Attributes:
        told: What the network predicts. The method is one of predicted noise, which is what
            `prediction_type` is; means of predicted velocities, as diffusers has them, are off.
    """

    told = "epsilon"
    _start: torch.Tensor
    """What the first look saw, and how much signal was in it."""
    _signal: float

    def arranged(self, num_inference_steps: int) -> torch.Tensor:
        """One more than there are steps, for the second look of the first one."""
        return self.timesteps[: num_inference_steps + 1]

    def steps_done(self, looks: int) -> int | None:
        """As `ExactSteps.steps_done`."""
        if len(self.timesteps_on_cpu) == 1 or self.begins_at:
            return looks
        return looks - 1 if looks > 1 else None

    def taken(
        self,
        model_output: torch.Tensor,
        timestep: torch.Tensor,
        sample: torch.Tensor,
        generator: list[torch.Generator] | None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """As `SingleStep.taken`, without new noise."""
        signal = float(self.alphas_cumprod[timestep])
        clean = clean_latents(self.told, model_output, sample, signal)
        noise = (sample - signal**0.5 * clean) / (1 - signal) ** 0.5
        if self._look == 1:
            self._start, self._signal = sample, signal
        elif self._look == 2 and is_leap(_sigma(self._signal), _sigma(signal)):
            # The second look of the first step, whose mean with the first is taken.
            root, rest = self._signal**0.5, (1 - self._signal) ** 0.5
            noise = 2 * (self._start - root * clean) / rest - self.ets[-1]
        (drawn,) = PNDMScheduler.step(self, noise, timestep, sample, return_dict=False)
        return drawn, clean


def _sigma(signal: float) -> float:
    return float(((1 - signal) / signal) ** 0.5)


class Dpm(ExactSteps, DPMSolverMultistepScheduler):
    """DPM-Solver++ of Lu et al., arXiv:2211.01095, over several steps."""

    @property
    def drops_least_noise(self) -> bool:  # type: ignore[override]
        """Of the third order alone."""
        return bool(self.config.solver_order == 3)

    def multistep_dpm_solver_third_order_update(
        self,
        model_output_list: list[torch.Tensor],
        *args: Any,
        sample: torch.Tensor | None = None,
        noise: torch.Tensor | None = None,
        **kwargs: Any,
    ) -> torch.Tensor:
        """As diffusers', but for the stochastic form, whose last term has a wrong sign there.

        The factors are k-diffusion's `sample_dpmpp_3m_sde` at eta 1. That of the second difference
        is (exp(-2 h) - 1 + 2 h) / (2 h)^2 - 1/2, subtracted; diffusers adds its negative less 1,
        which does not vanish with the length of the step.
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
        return (
            (sigma_t / sigma_s.item() * decay**0.5) * sample
            + alpha * ((1 - decay) * newest + phi_2 * slope - phi_3 * bend)
            + sigma_t * (1 - decay) ** 0.5 * noise
        )
