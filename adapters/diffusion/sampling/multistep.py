"""Multistep samplers of diffusers whose latents have variance 1."""

import math
from typing import Any

import numpy as np
import torch
from diffusers import DPMSolverMultistepScheduler, UniPCMultistepScheduler

from adapters.diffusion.sampling.steps import ExactSteps, Mixture, mixture_of_signal

__all__ = ["Dpm", "UniPc"]

_MOST_GAIN = 1.2
"""The largest factor of a change of the newest finished latents in the next latents, if the step
adds noise. Larger factors leave noise in pictures of the demo checkpoint at guidance 7.5."""
_FEW_STEPS = 8


class _Multistep(ExactSteps):
    """A sampler whose latents have variance 1, with a noise level sigma for each step."""

    def mixture(self, evaluation: int) -> Mixture:
        """As `ExactSteps.mixture`."""
        return mixture_of_signal(1 / (float(self.sigmas[evaluation]) ** 2 + 1))


class UniPc(_Multistep, UniPCMultistepScheduler):
    """Zhao et al., arXiv:2302.04867."""


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
