"""The calls of a pipeline that draw a batch, one after the other."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from domain.generation.request import GenerationRequest
from domain.ports.image_generator import DrawingWatcher

__all__ = ["Drawing", "DrawingPlan", "PipelineCall", "Progress"]


@dataclass(frozen=True, slots=True)
class Drawing:
    """One image to draw: that of `request` with this seed."""

    request: GenerationRequest
    seed: int


@dataclass(frozen=True, slots=True)
class PipelineCall:
    """One call of a pipeline, which draws `drawings` in their order."""

    drawings: tuple[Drawing, ...]
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class DrawingPlan:
    """How the images of some requests are drawn.

    Attributes:
        calls: In the order of the requests and their seeds.
        new_scheduler: Makes the pipeline's scheduler. A scheduler keeps the state of a drawing, so
            each call has its own.
        sampler: The scheduler's name, as pictures carry it.
        step_argument: The name of the pipeline's argument for a callback after each step.
        warnings: What the caller of each request should know of its pictures.
        decode: Turns the last latents into pixels from 0 to 1, and tells `warn` what changes them;
            None if the pipeline does this itself.
    """

    calls: tuple[PipelineCall, ...]
    new_scheduler: Callable[[], Any]
    sampler: str
    step_argument: str = "callback_on_step_end"
    warnings: tuple[tuple[str, ...], ...] = ()
    decode: Callable[..., Any] | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """diffusers' step callback, new or old, for one call of a pipeline.

    Attributes:
        pipeline: The pipeline that is called.
        done: The number of calls before this one.
        calls: The number of calls in all.
        watcher: Is told of each step, and of previews that it wants.
        preview: Makes a preview of drawing number i of this call from its latents.
        firsts: The first drawing of this call for each request that has one, by its number.
    """

    pipeline: Any
    done: int
    calls: int
    watcher: DrawingWatcher
    preview: Callable[[Any, int], bytes | None]
    firsts: Mapping[int, int]

    def __call__(self, *arguments: Any) -> dict[str, Any]:
        # The new callback gets (pipeline, step, time, tensors), the old one (step, time, latents).
        index = next(each for each in arguments if isinstance(each, int))
        done, steps = self._steps(index + 1)
        if done is not None:
            self.watcher.step(self.done * steps + done, self.calls * steps)
            last = arguments[-1]
            self._show(last.get("latents") if isinstance(last, dict) else last)
        return {}

    def _show(self, latents: Any) -> None:
        for number, first in self.firsts.items():
            if self.watcher.wants_preview(number):
                jpeg = self.preview(latents, first)
                if jpeg is not None:
                    self.watcher.preview(number, jpeg)

    def _steps(self, evaluations: int) -> tuple[int | None, int]:
        """The steps that are done after so many evaluations of the network, and all steps.

        None in the middle of a step: some samplers evaluate the network twice in a step.
        """
        scheduler = self.pipeline.scheduler
        # If the pipeline does not count, the drawing has as many evaluations as its scheduler.
        total = getattr(self.pipeline, "num_timesteps", None) or len(scheduler.timesteps)
        counted = getattr(scheduler, "steps_done", None)
        if counted is None:
            return evaluations, total
        return counted(evaluations), counted(total)
