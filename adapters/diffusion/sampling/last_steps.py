"""A scheduler that begins with given latents, at any of its steps."""

from typing import Any

import torch

from adapters.diffusion.sampling.steps import Mixture

__all__ = ["LastSteps"]

_FINISHED = Mixture(1.0, 0.0)


class LastSteps:
    """The last steps of a scheduler, in the form that a text-to-image pipeline calls.

    Such a pipeline draws noise, and takes all steps. With this class it takes latents that hold a
    picture already, and the steps that remain. So image-to-image needs no pipeline of its own.

    Args:
        scheduler: Its timesteps are set, and it took no step yet. Its other attributes are those of
            this object.
        first_step: The number of the first step, from 0.
    """

    init_noise_sigma = 1.0
    """The factor that a pipeline multiplies its latents with: these have their noise already."""

    def __init__(self, scheduler: Any, first_step: int) -> None:
        self.scheduler = scheduler
        self.first_evaluation = first_step * scheduler.order
        self.set_begin_index(0)

    @property
    def timesteps(self) -> torch.Tensor:
        """The timestep of each evaluation that remains at the beginning."""
        rest: torch.Tensor = self.scheduler.timesteps[self.first_evaluation :]
        return rest

    def set_timesteps(self, num_inference_steps: int, device: Any = None) -> None:
        """Do nothing: the timesteps are set."""

    def set_begin_index(self, begin_index: int = 0) -> None:
        """Begin at this one of `timesteps`. Some pipelines call this, always with 0."""
        self.scheduler.set_begin_index(self.first_evaluation + begin_index)

    def mixture_after(self, evaluations: int) -> Mixture:
        """Return the shares of picture and noise in the latents after so many evaluations.

        After the last one there is no noise.
        """
        evaluation = self.first_evaluation + evaluations
        if evaluation >= len(self.scheduler.timesteps_on_cpu):
            return _FINISHED
        mixture: Mixture = self.scheduler.mixture(evaluation)
        return mixture

    def __getattr__(self, name: str) -> Any:
        return getattr(self.scheduler, name)
