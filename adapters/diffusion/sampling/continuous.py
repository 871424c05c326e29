"""Samplers for models with continuous noise: EDM (Karras et al., arXiv:2206.00364).

Such a network was trained with any noise level between two bounds. It gets the latents in another
scale than other networks, a quarter of the logarithm of the noise level in place of a timestep, and
its output is a share of the finished latents. diffusers has two samplers for it, which the models
are published with. The others here are the samplers for discrete noise. Each gets the noise that
the network's output implies, as if the network had predicted noise.
"""

import inspect
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import torch
from diffusers import EDMDPMSolverMultistepScheduler, EDMEulerScheduler

from adapters.diffusion.sampling.steps import Evaluation, ExactSteps, SingleStep, Taken
from domain.models.training import Prediction, Training
from domain.samplers import Sampler, Schedule, Scheduler

__all__ = ["continuous_scheduler"]

_LEVELS = 1000
"""Rows of the table of noise levels, as in ComfyUI (`model_sampling.py`)."""


class _Continuous(ExactSteps):
    """The noise levels between the bounds of a training, evenly spaced by their logarithm."""

    training: Training

    def training_levels(self) -> np.ndarray:
        """As `ExactSteps.training_levels`."""
        least, most = _bounds(self.training)
        return np.exp(np.linspace(np.log(least), np.log(most), _LEVELS))

    def timesteps_at(self, levels: np.ndarray) -> np.ndarray:
        """Return what the network is told of each noise level: a quarter of its logarithm."""
        return np.asarray(np.log(levels) / 4)


class _EdmEuler(_Continuous, SingleStep, EDMEulerScheduler):
    """Euler's method, as CosXL is published."""


class _EdmDpm(_Continuous, EDMDPMSolverMultistepScheduler):
    """The multistep DPM-Solver++ of Lu et al., as Playground v2.5 is published."""

    def step(
        self,
        model_output: torch.Tensor,
        timestep: Any,
        sample: torch.Tensor,
        generator: Any = None,
        return_dict: bool = True,
    ) -> Any:
        """As in diffusers, but in float32 whatever the precision of the input."""
        (drawn,) = super().step(
            model_output.float(), timestep, sample.float(), generator, return_dict=False
        )
        return (drawn.to(sample.dtype),)


class _Converted(_Continuous):
    """A sampler for discrete noise, before its class.

    The latents of these samplers are the picture at scale 1 with noise of the level sigma, or that
    divided by sqrt(1 + sigma²), so that their variance is 1.
    """

    def clean(self, output: torch.Tensor, latents: torch.Tensor, sigma: float) -> torch.Tensor:
        """Return the finished latents that the network's output implies (table 1 of the paper).

        Args:
            output: The output of the network.
            latents: The picture at scale 1 with noise of the level `sigma`.
            sigma: The noise level.
        """
        spread = _spread(self.training)
        whole = sigma**2 + spread**2
        sign = -1 if self.training.prediction is Prediction.EDM_VELOCITY else 1
        return latents * (spread**2 / whole) + output * (sign * sigma * spread / whole**0.5)

    def scaled(self, latents: torch.Tensor, sigma: float) -> torch.Tensor:
        """Return the input of the network for latents at scale 1."""
        return latents / (sigma**2 + _spread(self.training) ** 2) ** 0.5


class _OverSigma(_Converted):
    """A sampler whose latents are the picture at scale 1 with noise."""

    @property
    def init_noise_sigma(self) -> float:
        """The factor of the noise that a drawing begins with, as in diffusers."""
        return float((_bounds(self.training)[1] ** 2 + 1) ** 0.5)

    def scale_model_input(self, sample: torch.Tensor, timestep: Any = None) -> torch.Tensor:
        """Return the input of the network."""
        self.is_scale_input_called = True
        return self.scaled(sample, self.mixture(self._next_evaluation).noise)

    def taken(self, seen: Evaluation) -> Taken:
        """As `SingleStep.taken`, for a class that is told predicted noise."""
        sigma = self.mixture(self._next_evaluation - 1).noise
        clean = self.clean(seen.prediction, seen.sample, sigma)
        noise = (seen.sample - clean) / sigma
        taken: Taken = super().taken(seen._replace(prediction=noise))  # type: ignore[misc]
        return taken


class _OfVarianceOne(_Converted):
    """A multistep sampler whose latents have variance 1."""

    @property
    def _sigma(self) -> float:
        step: int | None = self.step_index  # type: ignore[attr-defined]
        return float(self.sigmas[self.begins_at if step is None else step])

    def scale_model_input(self, sample: torch.Tensor, timestep: Any = None) -> torch.Tensor:
        """Return the input of the network."""
        sigma = self._sigma
        return self.scaled(sample * (sigma**2 + 1) ** 0.5, sigma)

    def step(
        self,
        model_output: torch.Tensor,
        timestep: Any,
        sample: torch.Tensor,
        generator: Any = None,
        return_dict: bool = True,
    ) -> Any:
        """As in diffusers, for a class that is told predicted noise."""
        sigma = self._sigma
        root = (sigma**2 + 1) ** 0.5
        clean = self.clean(model_output.float(), sample.float() * root, sigma)
        noise = (sample.float() * root - clean) / sigma
        scheduler: Any = super()
        takes_noise = "generator" in inspect.signature(scheduler.step).parameters
        options = {"generator": generator} if takes_noise else {}
        return scheduler.step(
            noise.to(sample.dtype), timestep, sample, return_dict=return_dict, **options
        )


def continuous_scheduler(
    name: Scheduler,
    training: Training,
    configuration: Mapping[str, Any],
    num_inference_steps: int,
    classes: Mapping[Sampler, tuple[Any, Mapping[str, object]]],
) -> Any:
    """Make a scheduler for a model with continuous noise.

    Args:
        name: The scheduler's name. A name without a schedule has the spacing of the training.
        training: The training, with all of its bounds.
        configuration: The configuration of the pipeline's own scheduler. Its options hold for the
            sampler that the training fixes.
        num_inference_steps: The steps of the call.
        classes: The classes of the samplers for discrete noise, and their options.
    """
    own = name.sampler is training.sampler
    if name.sampler is Sampler.EULER or (own and name.sampler is Sampler.DPMPP_2M):
        kind = _EdmEuler if name.sampler is Sampler.EULER else _EdmDpm
        options = _known(kind, configuration) if own else {}
        scheduler = kind(**{**options, **_published(training)})
        scheduler.schedule = name.schedule
        if name.schedule is Schedule.AUTOMATIC and num_inference_steps == 1:
            scheduler.schedule = _spacing(training)  # diffusers has the least noise there
    else:
        base, named = classes[name.sampler]
        scheduler = _converted(base)(**{"prediction_type": "epsilon", **named})
        scheduler.schedule = name.schedule
        if name.schedule is Schedule.AUTOMATIC:
            scheduler.schedule = _spacing(training)
    scheduler.training = training
    return scheduler


def _known(kind: Any, configuration: Mapping[str, Any]) -> dict[str, Any]:
    known = inspect.signature(kind.__init__).parameters
    return {name: value for name, value in configuration.items() if name in known}


def _published(training: Training) -> dict[str, object]:
    """Return the options of diffusers' two classes."""
    least, most = _bounds(training)
    is_velocity = training.prediction is Prediction.EDM_VELOCITY
    return {
        "sigma_min": least,
        "sigma_max": most,
        "sigma_data": _spread(training),
        "sigma_schedule": "exponential" if training.exponential else "karras",
        "prediction_type": "v_prediction" if is_velocity else "epsilon",
    }


def _spacing(training: Training) -> Schedule:
    return Schedule.EXPONENTIAL if training.exponential else Schedule.KARRAS


@cache
def _converted(base: Any) -> Any:
    mixin = _OverSigma if issubclass(base, SingleStep) else _OfVarianceOne
    return type(f"Continuous{base.__name__}", (mixin, base), {})


def _bounds(training: Training) -> tuple[float, float]:
    assert training.sigma_min is not None and training.sigma_max is not None  # noqa: S101
    return training.sigma_min, training.sigma_max


def _spread(training: Training) -> float:
    assert training.sigma_data is not None  # noqa: S101 - tells mypy
    return training.sigma_data
