"""What is put before a class of diffusers, so that its steps are those that were asked for."""

from typing import Any, NamedTuple

import numpy as np
import torch

from adapters.diffusion.sampling.spacing import noise_levels, timesteps_of
from domain.samplers import Schedule

__all__ = ["Evaluation", "ExactSteps", "SingleStep", "Taken", "clean_latents"]


Taken = tuple[torch.Tensor, torch.Tensor]
"""The latents after a step, and the finished latents as they look then."""


class Evaluation(NamedTuple):
    """One evaluation of the network, in float32.

    Attributes:
        prediction: The output of the network.
        timestep: Its timestep, on the CPU.
        sample: The latents before the step.
        generator: Makes new noise, for each picture.
    """

    prediction: torch.Tensor
    timestep: torch.Tensor
    sample: torch.Tensor
    generator: list[torch.Generator] | None


class ExactSteps:
    """Takes as many steps as are asked for, spaced as its schedule says.

    Attributes:
        schedule: `AUTOMATIC` leaves the spacing to the class of diffusers.
        drops_least_noise: Whether a schedule is spaced for one step more, and its last left out. So
            AUTOMATIC1111 has it of samplers for which the last one is too long a step («discard
            next to last sigma»).
        timesteps: One for each look of the network, on the device.
        timesteps_on_cpu: The same. What is read of them there makes nobody wait for the device.
        ready_for: The steps and the device of a copy that has its timesteps, and took no step.
    """

    schedule = Schedule.AUTOMATIC
    drops_least_noise = False
    timesteps: torch.Tensor
    timesteps_on_cpu: torch.Tensor
    ready_for: tuple[int, torch.device] | None = None
    begins_at = 0
    """The number of the first look of the network that is taken, from 0."""
    _look = 0
    """The number of the next one."""

    def set_timesteps(self, num_inference_steps: int, device: Any = None) -> None:
        """As diffusers' own, without two slips of it; nothing where they are set already."""
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
            self.timesteps = torch.from_numpy(timesteps_of(levels, table)).float()
            self.sigmas = torch.from_numpy(np.append(levels, 0.0)).float()
        self.timesteps = self.arranged(num_inference_steps)
        # Of equal first timesteps, as Karras' noise levels can be rounded to, the second is taken
        # for the first unless it is said where to begin. And it would be looked for on the device.
        self.set_begin_index(0)
        self.timesteps_on_cpu = self.timesteps
        self.timesteps = self.timesteps.to(where)

    def training_levels(self) -> np.ndarray:
        """The sigma of each timestep of the training, rising."""
        signal = self.alphas_cumprod.double().numpy()  # type: ignore[attr-defined]
        return np.asarray(((1 - signal) / signal) ** 0.5)

    def arranged(self, num_inference_steps: int) -> torch.Tensor:
        """The timesteps of the looks that so many steps take, made of those of the steps."""
        # Trailing steps are counted down in floats, and of 61 of 1000 there are 62, the last at -1.
        if len(self.timesteps) > num_inference_steps:
            self.num_inference_steps = num_inference_steps
            sigmas = getattr(self, "sigmas", None)
            if sigmas is not None:
                self.sigmas = torch.cat([sigmas[:num_inference_steps], sigmas[-1:]])
        return self.timesteps[:num_inference_steps]

    def set_begin_index(self, begin_index: int = 0) -> None:
        """Begin at this look, counted from 0, as what starts from a picture does."""
        self._look = self.begins_at = begin_index
        scheduler: Any = super()
        if hasattr(scheduler, "set_begin_index"):
            scheduler.set_begin_index(begin_index)

    def steps_done(self, looks: int) -> int | None:
        """How many steps are done after so many looks, since `begins_at`; None in the middle of a
        step.
        """
        return looks


class SingleStep(ExactSteps):
    """As `ExactSteps`, for a class that computes in whatever precision it is given.

    It computes in float32, as noise of each step in half precision would be other noise than that
    in float32, and a seed means the same in each precision. And it keeps what it takes the finished
    latents to be, under the name that multistep schedulers have for that. The tables that it looks
    timesteps up in are on the CPU, so it takes them from there: else each step would wait for the
    device to tell which it is.
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
        """As diffusers' own, for `return_dict=False`: the next latents, and the finished ones."""
        timestep = self.timesteps_on_cpu[self._look]
        self._look += 1
        on_device, self.timesteps = self.timesteps, self.timesteps_on_cpu
        seen = Evaluation(model_output.float(), timestep, sample.float(), generator)
        drawn, clean = self.taken(seen)
        self.timesteps = on_device
        self.model_outputs = (clean,)
        return drawn.to(sample.dtype), clean

    def taken(self, seen: Evaluation) -> Taken:
        """The next latents, and the finished ones as they look after this evaluation."""
        scheduler: Any = super()
        drawn, clean = scheduler.step(
            seen.prediction, seen.timestep, seen.sample, generator=seen.generator, return_dict=False
        )
        return drawn, clean


def clean_latents(
    prediction_type: str, told: torch.Tensor, sample: torch.Tensor, signal: float
) -> torch.Tensor:
    """The finished latents that a network's prediction stands for.

    Args:
        prediction_type: `epsilon` or `v_prediction`, as diffusers names them.
        told: What the network predicted.
        sample: What it saw, of variance 1: sqrt(signal) of the picture, the rest of it noise.
        signal: The cumulated product of the alphas there (Ho et al., arXiv:2006.11239).
    """
    root, noise = signal**0.5, (1 - signal) ** 0.5
    if prediction_type == "v_prediction":  # Salimans and Ho, arXiv:2202.00512, appendix D
        return root * sample - noise * told
    return (sample - noise * told) / root
