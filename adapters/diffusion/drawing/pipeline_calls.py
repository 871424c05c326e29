"""What is to be drawn with a pipeline: the calls of it, one after the other."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from domain.generation.request import GenerationRequest
from domain.ports.image_generator import GenerationStep, StepCallback

__all__ = ["Drawing", "DrawingPlan", "PipelineCall", "Progress"]


@dataclass(frozen=True, slots=True)
class Drawing:
    """One image to draw: the one of `request` that has this seed."""

    request: GenerationRequest
    seed: int


@dataclass(frozen=True, slots=True)
class PipelineCall:
    """A call of a pipeline that draws `drawings`, in their order."""

    drawings: tuple[Drawing, ...]
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class DrawingPlan:
    """How the images of some requests are drawn.

    Attributes:
        calls: In the order of the requests and their seeds.
        new_scheduler: Makes the pipeline's scheduler. It keeps the state of a drawing, so each
            call has its own.
        sampler: The scheduler's name, as pictures carry it.
        step_argument: The name of the pipeline's argument for a callback after each step.
        warnings: What the caller of each request should know of its pictures.
        decode: Makes pixels, from 0 to 1, of the last latents, and tells its `warn` what changes
            them; None where the pipeline does.
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
        pipeline: What is called.
        done: Calls before this one.
        calls: Calls in all.
        on_step: Told of each step.
        preview: A look at drawing number i of this call, given its latents.
        firsts: The first drawing of this call for each request that has one, by its number.
    """

    pipeline: Any
    done: int
    calls: int
    on_step: StepCallback | None
    preview: Callable[[Any, int], bytes | None]
    firsts: Mapping[int, int]

    def __call__(self, *arguments: Any) -> dict[str, Any]:
        # The new one is told (pipeline, step, time, tensors), the old one (step, time, latents).
        index = next(each for each in arguments if isinstance(each, int))
        done, steps = self._steps(index + 1)
        if self.on_step is not None and done is not None:
            last = arguments[-1]
            latents = last.get("latents") if isinstance(last, dict) else last

            def preview(number: int) -> bytes | None:
                first = self.firsts.get(number)
                return None if first is None else self.preview(latents, first)

            step = GenerationStep(self.done * steps + done, self.calls * steps, preview)
            self.on_step(step)
        return {}

    def _steps(self, looks: int) -> tuple[int | None, int]:
        """The steps that are done after so many looks of the network, and all of them.

        None in the middle of a step: some samplers look twice.
        """
        scheduler = self.pipeline.scheduler
        # Where the pipeline does not count, its scheduler's looks are those of the drawing.
        total = getattr(self.pipeline, "num_timesteps", None) or len(scheduler.timesteps)
        counted = getattr(scheduler, "steps_done", None)
        return (looks, total) if counted is None else (counted(looks), counted(total))
