"""One call of a pipeline that does all of a drawing."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from adapters.diffusion.drawing.borrowed_pipeline import same_precision_after, scheduled_by
from adapters.diffusion.drawing.drawing_context import DrawingContext
from adapters.diffusion.drawing.others.counterparts import counterpart
from adapters.diffusion.drawing.progress import Progress
from adapters.diffusion.drawing.prompts.cache import EncodingKey, remembered_prompts
from adapters.diffusion.drawing.stages.stage import Canvas, Stage
from adapters.diffusion.pipeline import Pipeline

__all__ = ["PipelineDrawing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineDrawing(Stage):
    """Text, or text and pictures, to pixels.

    Attributes:
        context: The loaded pipeline and its surroundings.
        kind: The name of the counterpart that draws; None if the loaded pipeline does.
        arguments: Returns the arguments of the call, without generators. It makes the pictures.
        new_scheduler: Makes the scheduler. A scheduler keeps the state of a drawing, so each call
            has its own.
        step_argument: The name of the pipeline's argument for a callback after each step.
        known_steps: The denoising steps that run; None if only the pipeline knows.
    """

    context: DrawingContext[Pipeline]
    kind: str | None
    arguments: Callable[[Canvas], Mapping[str, Any]]
    new_scheduler: Callable[[], Any]
    step_argument: str
    known_steps: int | None

    @property
    def steps(self) -> int | None:
        """The denoising steps that run; None if only the pipeline knows."""
        return self.known_steps

    def __call__(self, canvas: Canvas, progress: Progress) -> None:
        """Set `canvas.pixels`."""
        arguments = self.arguments(canvas)
        prompts = self.context.memory.prompts.under(EncodingKey.of(canvas.drawings[0].request))
        with (
            _called(self.context.pipeline, self.kind) as pipeline,
            scheduled_by(pipeline, self.new_scheduler()),
            same_precision_after(pipeline.vae),
            remembered_prompts(pipeline, prompts),
        ):
            after_step = progress.of(pipeline, self.known_steps)
            drawn = pipeline(
                **arguments,
                generator=list(canvas.generators),
                output_type="pt",
                **{self.step_argument: after_step},
            ).images
        canvas.pixels = drawn.float()
        if self.known_steps is not None:
            progress.stage_done(self.known_steps)


@contextmanager
def _called(loaded: Pipeline, kind: str | None) -> Iterator[Pipeline]:
    """Yield the pipeline to call. Afterwards send offloaded networks back to the host's memory."""
    if kind is None:
        yield loaded
        return
    try:
        yield counterpart(loaded, kind)
    finally:
        loaded.maybe_free_model_hooks()
