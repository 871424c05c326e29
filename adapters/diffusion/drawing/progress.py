"""Tells a watcher of the steps of a drawing."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from adapters.diffusion.pipeline import Pipeline
from domain.ports.image_generator import DrawingWatcher

__all__ = ["Progress"]


class Progress:
    """The step callback of diffusers, new or old, for the stages of one group.

    Args:
        pipeline: The pipeline that is called.
        done: The number of groups before this one.
        groups: The number of all groups.
        steps: The steps of each group; None if only the pipeline knows, which one stage then calls.
        watcher: Receives each step, and the previews that it wants.
        preview: Makes a preview of drawing number i of this group from its latents.
        firsts: The first drawing of this group for each request that has one, by its number.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        *,
        done: int,
        groups: int,
        steps: int | None,
        watcher: DrawingWatcher,
        preview: Callable[[Any, int], bytes | None],
        firsts: Mapping[int, int],
    ) -> None:
        self._pipeline = pipeline
        self._done = done
        self._groups = groups
        self._of_group = steps
        self._watcher = watcher
        self._preview = preview
        self._firsts = firsts
        self._earlier = 0
        self._reported = (0, 1) if steps is None else (done * steps, groups * steps)

    def stage_done(self, steps: int) -> None:
        """Count the steps of a stage that is over. The next stage begins to count from there."""
        self._earlier += steps

    def still_working(self, *_: int) -> None:
        """Report the last step again, from a stage that takes long and has no steps."""
        self._watcher.step(*self._reported)

    def of(self, pipeline: Pipeline, steps: int | None) -> Callable[..., dict[str, Any]]:
        """Return the step callback for a call of another pipeline.

        Args:
            pipeline: The pipeline that is called from now on.
            steps: The steps that the call counts as; None for those that the pipeline counts. Some
                schedulers evaluate the network more than once in a step.
        """
        self._pipeline = pipeline
        if steps is None:
            return self

        def callback(*arguments: Any) -> dict[str, Any]:
            index, latents = _read(arguments)
            _, evaluations = self._steps(0)
            self.evaluated(max(1, (index + 1) * steps // evaluations), latents)
            return {}

        return callback

    def __call__(self, *arguments: Any) -> dict[str, Any]:
        """Receive the end of an evaluation of the network, as diffusers passes it."""
        index, latents = _read(arguments)
        self.evaluated(index + 1, latents)
        return {}

    def evaluated(self, evaluations: int, latents: Any) -> None:
        """Receive that the pipeline's call has had so many evaluations, and its latents now."""
        done, steps = self._steps(evaluations)
        if done is None:
            return
        of_group = steps if self._of_group is None else self._of_group
        before = self._done * of_group + self._earlier
        self._reported = (before + done, self._groups * of_group)
        self._watcher.step(*self._reported)
        for number, first in self._firsts.items():
            if self._watcher.wants_preview(number):
                jpeg = self._preview(latents, first)
                if jpeg is not None:
                    self._watcher.preview(number, jpeg)

    def _steps(self, evaluations: int) -> tuple[int | None, int]:
        """Return the steps that are done after so many evaluations, and all steps of the call.

        None in the middle of a step: some samplers evaluate the network twice in a step.
        """
        scheduler = self._pipeline.scheduler
        # If the pipeline does not count, the drawing has as many evaluations as its scheduler.
        total = getattr(self._pipeline, "num_timesteps", None) or len(scheduler.timesteps)
        counted = getattr(scheduler, "steps_done", None)
        if counted is None:
            return evaluations, total
        return counted(evaluations), counted(total)


def _read(arguments: Sequence[Any]) -> tuple[int, Any]:
    """Return the number of the step, from 0, and its latents."""
    # The new callback gets (pipeline, step, time, tensors), the old one (step, time, latents).
    index = next(each for each in arguments if isinstance(each, int))
    last = arguments[-1]
    return index, last.get("latents") if isinstance(last, dict) else last
