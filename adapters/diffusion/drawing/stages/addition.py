"""Additions to a pipeline for the time of one call."""

from contextlib import AbstractContextManager, nullcontext

import torch

from adapters.diffusion.drawing.stages.stage import Canvas
from adapters.diffusion.sampling import LastSteps

__all__ = ["Addition"]


class Addition:
    """Changes what a call of the pipeline does.

    `Denoising` calls the methods in this order. Each does nothing unless a subclass overrides it.
    """

    def prepare(self, canvas: Canvas) -> None:
        """Do what comes before the call. Its noise comes after that of the drawing.

        `canvas.latents` still holds the latents without noise, if the drawing begins with some.
        """

    def applied(self, canvas: Canvas) -> AbstractContextManager[None]:
        """Return a context manager that patches the pipeline, and undoes it whatever happens."""
        return nullcontext()

    def evaluated(
        self, canvas: Canvas, latents: torch.Tensor, evaluations: int, scheduler: LastSteps
    ) -> torch.Tensor:
        """Return the latents to go on with after so many evaluations of the network."""
        return latents
