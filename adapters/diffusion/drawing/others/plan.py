"""Plans drawings with any other pipeline: from text, from a picture, and in a second pass.

Each picture is drawn by itself: see `arguments`. A drawing from a picture is a call of a
counterpart of the loaded pipeline (`counterparts`), whose noise comes from the same generator.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from adapters.diffusion.drawing.drawing_context import DrawingContext
from adapters.diffusion.drawing.others.arguments import (
    arguments_for,
    multiple_of,
    parameters_of,
    warnings_for,
)
from adapters.diffusion.drawing.others.calling import PipelineDrawing
from adapters.diffusion.drawing.others.counterparts import counterparts_of
from adapters.diffusion.drawing.others.from_pictures import (
    PictureCall,
    PictureOf,
    ThroughAutoencoder,
    picture_warnings,
)
from adapters.diffusion.drawing.pictures.inpainting import PutBack
from adapters.diffusion.drawing.pictures.resizing import as_image, padded
from adapters.diffusion.drawing.pictures.source import SizedSource, Sources
from adapters.diffusion.drawing.pictures.starting import EnlargePictures
from adapters.diffusion.drawing.stages.finishing import Crop, ToRasters
from adapters.diffusion.drawing.stages.stage import Canvas, Drawing, DrawingPlan, Group, Stage
from adapters.diffusion.drawing.stages.upscaling import UpscalingTo, upscaling_stages
from adapters.diffusion.pipeline import Pipeline
from domain.errors import GenerationFailed
from domain.generation.request import GenerationRequest
from domain.sizes import Size

__all__ = ["other_pipeline_plan"]

_Context = DrawingContext[Pipeline]


def other_pipeline_plan(context: _Context, requests: Sequence[GenerationRequest]) -> DrawingPlan:
    """Plan calls with the pipeline's own prompt encoding, noise and scheduler.

    The warnings name what the pipeline does not support.

    Raises:
        GenerationFailed: The pipeline cannot draw from the pictures of a request.
    """
    passes = _Passes(context)
    parameters = parameters_of(context.pipeline)
    return DrawingPlan(
        groups=tuple(
            Group((Drawing(request, seed),), tuple(passes.stages(request)))
            for request in requests
            for seed in request.seeds
        ),
        sampler=type(context.pipeline.scheduler).__name__,
        warnings=tuple(
            tuple(
                dict.fromkeys(
                    (
                        *warnings_for(context.pipeline, parameters, request),
                        *picture_warnings(context.pipeline, request),
                    )
                )
            )
            for request in requests
        ),
    )


class _Passes:
    """Makes the stages of each picture of a batch. All share the source pictures."""

    def __init__(self, context: _Context) -> None:
        self._context = context
        self._name = type(context.pipeline).__name__
        self._has = counterparts_of(context.pipeline)
        self._parameters = parameters_of(context.pipeline)
        self._multiple = multiple_of(context.pipeline)
        self._sources = Sources(context, self._multiple)

    def stages(self, request: GenerationRequest) -> Iterator[Stage]:
        source = self._sources.first(request)
        yield from self._first_pass(request, source)
        yield Crop(is_last=False)
        last = self._sources.last(request)
        if request.second_pass is not None:
            yield from self._second_pass(request, last)
            yield Crop()
        if last is not None and last.source.mask_image is not None:
            yield PutBack(last)
        yield from upscaling_stages(self._context, request)

    def _first_pass(
        self, request: GenerationRequest, source: SizedSource | None
    ) -> Iterator[Stage]:
        size = self._drawn(request.width, request.height)
        if source is None:
            arguments = self._arguments(request, size, request.num_inference_steps)
            # Only the pipeline knows what its scheduler makes of the steps.
            steps = None if request.second_pass is None else request.num_inference_steps
            yield self._call(None, lambda _canvas: arguments, steps)
            yield self._to_rasters(size)
        else:
            yield from self._from_picture(
                request,
                size,
                picture=lambda _canvas: source.picture,
                mask=None if source.source.mask_image is None else source,
                run=request.passes[0].steps,
                steps=request.num_inference_steps,
                strength=source.source.strength,
            )

    def _second_pass(
        self, request: GenerationRequest, source: SizedSource | None
    ) -> Iterator[Stage]:
        second, result = request.second_pass, request.last_size
        assert second is not None  # noqa: S101 - the caller looked
        yield self._enlargement(request)
        size = self._drawn(result.width, result.height)
        steps = second.num_inference_steps
        yield from self._from_picture(
            request,
            size,
            picture=lambda canvas: padded(as_image(canvas.rasters[0]), size.width, size.height),
            mask=source if source is not None and source.source.mask_image is not None else None,
            run=request.passes[1].steps,
            steps=request.num_inference_steps if steps is None else steps,
            strength=second.strength,
        )

    def _enlargement(self, request: GenerationRequest) -> Stage:
        second, size = request.second_pass, request.last_size
        if second is not None and second.model_id is not None:
            return UpscalingTo(self._context, second.model_id, size)
        return EnlargePictures(size)

    def _from_picture(
        self,
        request: GenerationRequest,
        size: Size,
        *,
        picture: PictureOf,
        mask: SizedSource | None,
        run: int,
        steps: int,
        strength: float,
    ) -> Iterator[Stage]:
        kind = self._has.image if mask is None else self._has.mask
        if kind is None:
            what = "a picture" if mask is None else "a picture with a mask"
            raise GenerationFailed(f"{self._name} does not draw from {what}; choose another model")
        if run == 0:
            yield ThroughAutoencoder(self._context, picture)
        else:
            call = PictureCall(
                kind,
                self._arguments(request, size, steps),
                picture=picture,
                mask=mask,
                run=run,
                strength=strength,
            )
            yield self._call(kind, call, run)
        yield self._to_rasters(size)

    def _call(
        self, kind: str | None, arguments: Callable[[Canvas], Mapping[str, Any]], steps: int | None
    ) -> Stage:
        scheduler = self._context.pipeline.scheduler
        is_new = kind is not None or "callback_on_step_end" in self._parameters
        return PipelineDrawing(
            context=self._context,
            kind=kind,
            arguments=arguments,
            new_scheduler=lambda: type(scheduler).from_config(scheduler.config),
            step_argument="callback_on_step_end" if is_new else "callback",
            known_steps=steps,
        )

    def _arguments(self, request: GenerationRequest, size: Size, steps: int) -> dict[str, Any]:
        return arguments_for(self._parameters, request, size, steps)

    def _to_rasters(self, size: Size) -> Stage:
        dtype = self._context.device.dtype_of_others
        return ToRasters(self._name, dtype, size.width, size.height)

    def _drawn(self, width: int, height: int) -> Size:
        across, down = (-(-side // self._multiple) * self._multiple for side in (width, height))
        return Size(across, down)
