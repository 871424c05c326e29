"""Base classes that make a scheduler of diffusers take exactly the steps of the request."""

from typing import Any, NamedTuple

import numpy as np
import torch

from adapters.diffusion.sampling.spacing import noise_levels, timesteps_of
from domain.samplers import Schedule

__all__ = [
    "Evaluation",
    "ExactSteps",
    "Mixture",
    "SingleStep",
    "Taken",
    "clean_latents",
    "mixture_of_signal",
]


Taken = tuple[torch.Tensor, torch.Tensor]
"""The latents after a step, and the prediction of the finished latents at that step."""


class Evaluation(NamedTuple):
    """One evaluation of the network, in float32.

    Attributes:
        prediction: The output of the network.
        timestep: The timestep of the evaluation, on the CPU.
        sample: The latents before the step.
        generator: A generator of new noise for each picture.
    """

    prediction: torch.Tensor
    timestep: torch.Tensor
    sample: torch.Tensor
    generator: list[torch.Generator] | None


class Mixture(NamedTuple):
    """The shares of a picture and of noise with variance 1 in noisy latents.

    Latents x with the picture p and the noise n are x = picture * p + noise * n.
    """

    picture: float
    noise: float


def mixture_of_signal(signal: float) -> Mixture:
    """Return the mixture of variance 1 with this cumulated product of the alphas.

    Ho et al., arXiv:2006.11239, equation 4.
    """
    return Mixture(signal**0.5, (1 - signal) ** 0.5)


class ExactSteps:
    """Takes exactly the requested number of steps, spaced as the noise schedule says.

    Attributes:
        schedule: The noise schedule. `AUTOMATIC` leaves the spacing to the class of diffusers.
        drops_least_noise: Whether the schedule is spaced for one more step, whose noise level is
            left out. AUTOMATIC1111 does this for samplers whose last step would be too long
            («discard next to last sigma»).
        timesteps: One for each evaluation of the network, on the device.
        timesteps_on_cpu: The same on the CPU. Reading them there does not wait for the device.
        ready_for: The number of steps and the device of a copy whose timesteps are set already and
            that took no step yet.
    """

    schedule = Schedule.AUTOMATIC
    drops_least_noise = False
    timesteps: torch.Tensor
    timesteps_on_cpu: torch.Tensor
    ready_for: tuple[int, torch.device] | None = None
    begins_at = 0
    """The number of the first evaluation of the network, from 0."""
    sigmas: torch.Tensor
    _next_evaluation = 0
    """The number of the next evaluation."""

    def set_timesteps(self, num_inference_steps: int, device: Any = None) -> None:
        """As in diffusers, without two faults of it. Does nothing if they are set already."""
        where = torch.device(device or "cpu")
        ready, self.ready_for = self.ready_for, None
        if ready == (num_inference_steps, where):
            return
        scheduler: Any = super()
        scheduler.set_timesteps(num_inference_steps, device="cpu")
        if self.schedule is not Schedule.AUTOMATIC:
            table = self.training_levels()
            more = int(self.drops_least_noise)
            levels = noise_levels(self.schedule, num_inference_steps + more, table)
            levels = levels[:num_inference_steps]
            self.timesteps = torch.from_numpy(self.timesteps_at(levels)).float()
            self.sigmas = torch.from_numpy(np.append(levels, 0.0)).float()
        self.timesteps = self.arranged(num_inference_steps)
        # Karras' noise levels can be rounded to two equal first timesteps. Without a begin index,
        # diffusers takes the second for the first, and it searches on the device.
        self.set_begin_index(0)
        self.timesteps_on_cpu = self.timesteps
        self.timesteps = self.timesteps.to(where)

    def training_levels(self) -> np.ndarray:
        """Return the sigma of each timestep of the training, in rising order."""
        signal = self.alphas_cumprod.double().numpy()  # type: ignore[attr-defined]
        return np.asarray(((1 - signal) / signal) ** 0.5)

    def timesteps_at(self, levels: np.ndarray) -> np.ndarray:
        """Return what the network is told of each noise level: its timestep in the training."""
        return timesteps_of(levels, self.training_levels())

    def arranged(self, num_inference_steps: int) -> torch.Tensor:
        """Return the timestep of each evaluation of the network."""
        # diffusers counts trailing steps down in floats. For 61 steps of 1000 it returns 62, and
        # the last is at -1.
        if len(self.timesteps) > num_inference_steps:
            self.num_inference_steps = num_inference_steps
            sigmas = getattr(self, "sigmas", None)
            if sigmas is not None:
                self.sigmas = torch.cat([sigmas[:num_inference_steps], sigmas[-1:]])
        return self.timesteps[:num_inference_steps]

    def set_begin_index(self, begin_index: int = 0) -> None:
        """Begin at this evaluation, counted from 0, as a drawing from a picture does."""
        self._next_evaluation = self.begins_at = begin_index
        scheduler: Any = super()
        if hasattr(scheduler, "set_begin_index"):
            scheduler.set_begin_index(begin_index)

    def mixture(self, evaluation: int) -> "Mixture":
        """Return the shares in the latents of an evaluation, counted from 0.

        This holds for a class whose latents are the picture at scale 1 with noise of the level
        sigma. Another class overrides it.
        """
        return Mixture(1.0, float(self.sigmas[evaluation]))

    def steps_done(self, evaluations: int) -> int | None:
        """Return the number of steps that are done after this many evaluations since `begins_at`.

        None in the middle of a step.
        """
        return evaluations


class SingleStep(ExactSteps):
    """As `ExactSteps`, for a class that computes in the precision of its input.

    The input is converted to float32. Noise in half precision would be other noise than in float32,
    and a seed must mean the same in each precision. The prediction of the finished latents is kept
    under the name that multistep schedulers use. Timesteps are looked up in tables on the CPU, so
    no step waits for the device.
    """

    model_outputs: tuple[torch.Tensor, ...] = ()

    def step(
        self,
        model_output: torch.Tensor,
        timestep: torch.Tensor,
        sample: torch.Tensor,
        generator: list[torch.Generator] | None = None,
        return_dict: bool = False,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """As in diffusers with `return_dict=False`: the next latents, and the finished ones."""
        timestep = self.timesteps_on_cpu[self._next_evaluation]
        self._next_evaluation += 1
        on_device, self.timesteps = self.timesteps, self.timesteps_on_cpu
        seen = Evaluation(model_output.float(), timestep, sample.float(), generator)
        drawn, clean = self.taken(seen)
        self.timesteps = on_device
        self.model_outputs = (clean,)
        return drawn.to(sample.dtype), clean

    def taken(self, seen: Evaluation) -> Taken:
        """Return the next latents, and this evaluation's prediction of the finished latents."""
        scheduler: Any = super()
        drawn, clean = scheduler.step(
            seen.prediction, seen.timestep, seen.sample, generator=seen.generator, return_dict=False
        )
        return drawn, clean


def clean_latents(
    prediction_type: str, prediction: torch.Tensor, sample: torch.Tensor, signal: float
) -> torch.Tensor:
    """Return the finished latents that a network's prediction implies.

    Args:
        prediction_type: `epsilon`, `v_prediction` or `sample`, as diffusers names them.
        prediction: The output of the network.
        sample: The network's input, of variance 1: sqrt(signal) times the picture, and noise.
        signal: The cumulated product of the alphas at the timestep (Ho et al., arXiv:2006.11239).
    """
    if prediction_type == "sample":
        return prediction
    root, noise = signal**0.5, (1 - signal) ** 0.5
    if prediction_type == "v_prediction":  # Salimans and Ho, arXiv:2202.00512, appendix D
        return root * sample - noise * prediction
    return (sample - noise * prediction) / root
