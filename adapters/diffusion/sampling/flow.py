"""Samplers for a flow from the picture to the noise (Esser et al., arXiv:2403.03206).

The latents at the level sigma, from 1 to 0, are (1 - sigma) times the picture and sigma times the
noise. The pipelines of Stable Diffusion ask a scheduler for two things that diffusers' scheduler
for flows lacks, because other pipelines draw with it.
"""

import inspect
from collections.abc import Mapping
from typing import Any

import torch
from diffusers import FlowMatchEulerDiscreteScheduler

from adapters.diffusion.sampling.multistep import Dpm, UniPc
from adapters.diffusion.sampling.steps import Evaluation, ExactSteps, Mixture, SingleStep, Taken
from domain.models.training import Training
from domain.samplers import Sampler, Scheduler

__all__ = ["flow_scheduler"]


class _Flow(ExactSteps):
    def mixture(self, evaluation: int) -> Mixture:
        """As `ExactSteps.mixture`."""
        sigma = float(self.sigmas[evaluation])
        return Mixture(1 - sigma, sigma)


class _FlowEuler(_Flow, SingleStep, FlowMatchEulerDiscreteScheduler):
    """Euler's method."""

    init_noise_sigma = 1.0

    def scale_model_input(self, sample: torch.Tensor, timestep: Any = None) -> torch.Tensor:
        """Return the input of the network: the latents as they are."""
        return sample

    def taken(self, seen: Evaluation) -> Taken:
        """As `SingleStep.taken`."""
        sigma = float(self.sigmas[self._next_evaluation - 1])
        (drawn,) = FlowMatchEulerDiscreteScheduler.step(
            self, seen.prediction, seen.timestep, seen.sample, return_dict=False
        )
        return drawn, seen.sample - sigma * seen.prediction


class _FlowDpm(_Flow, Dpm):
    """The multistep DPM-Solver++ over the levels of the flow."""


class _FlowUniPc(_Flow, UniPc):
    """UniPC over the levels of the flow."""


_CLASSES: Mapping[Sampler, Any] = {
    Sampler.EULER: _FlowEuler,
    Sampler.DPMPP_2M: _FlowDpm,
    Sampler.UNIPC: _FlowUniPc,
}


def flow_scheduler(name: Scheduler, training: Training, configuration: Mapping[str, Any]) -> Any:
    """Make a scheduler for a model that predicts a flow.

    Args:
        name: The scheduler's name, one of those that fit a flow.
        training: The training, with its shift.
        configuration: The configuration of the pipeline's own scheduler. Its options hold for the
            sampler that the training fixes.
    """
    kind = _CLASSES[name.sampler]
    known = inspect.signature(kind.__init__).parameters
    own = name.sampler is training.sampler
    told = {key: value for key, value in configuration.items() if own and key in known}
    if name.sampler is Sampler.EULER:
        return kind(**{**told, "shift": training.shift})
    flow = {"prediction_type": "flow_prediction", "use_flow_sigmas": True}
    return kind(**{**told, **flow, "flow_shift": training.shift})
