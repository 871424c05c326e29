"""The stages of the passes of a request, for Stable Diffusion 1, 2 and XL."""

from collections.abc import Iterator, Sequence

from adapters.diffusion.drawing.channels import (
    begins_without,
    channel_additions,
    check_source,
    pipeline_guidance,
    takes_mask,
)
from adapters.diffusion.drawing.controls import Controls
from adapters.diffusion.drawing.drawing_context import DrawingContext
from adapters.diffusion.drawing.pictures.inpainting import KeepOutside, PutBack
from adapters.diffusion.drawing.pictures.source import SizedSource, Sources
from adapters.diffusion.drawing.pictures.starting import (
    EnlargeLatents,
    EnlargePictures,
    MaskedLatents,
    PictureStart,
    Reencoding,
)
from adapters.diffusion.drawing.prompts.conditions import Conditions, RequestPrompts
from adapters.diffusion.drawing.stages.addition import Addition
from adapters.diffusion.drawing.stages.decoding import Decoding
from adapters.diffusion.drawing.stages.denoising import Denoising, NoiseStart
from adapters.diffusion.drawing.stages.finishing import Crop, ToRasters
from adapters.diffusion.drawing.stages.stage import Stage
from adapters.diffusion.drawing.stages.upscaling import UpscalingTo, upscaling_stages
from adapters.diffusion.pipeline import StableDiffusion
from adapters.diffusion.sampling import check_first_step
from domain.generation.parts import MaskContent, SecondPass
from domain.generation.request import GenerationRequest
from domain.sizes import Size

__all__ = ["Passes"]


class Passes:
    """Makes the stages of the groups of one batch, which share their source pictures.

    A second pass goes on with the noise generator of each image. So the result equals a text-to-
    image drawing of diffusers, and then an image-to-image drawing of its picture with the same
    generator. (AUTOMATIC1111's web UI begins the second pass with the seed again.) A drawing from a
    picture may have a second pass too, with a mask or without one.
    """

    def __init__(self, context: DrawingContext[StableDiffusion]) -> None:
        self._context = context
        self._sources = Sources(context)
        self._controls = Controls(context)

    def check(self, request: GenerationRequest) -> None:
        """Check that the pipeline and the scheduler can begin where each pass begins.

        Raises:
            GenerationFailed: One of them cannot.
        """
        check_source(self._context.pipeline, request)
        if request.source is not None:
            check_first_step(
                request.scheduler, request.num_inference_steps - request.passes[0].steps
            )
        if request.second_pass is not None:
            steps = _steps_of(request.second_pass, request)
            check_first_step(request.scheduler, steps - request.passes[1].steps)

    def stages(
        self, request: GenerationRequest, prompts: Sequence[RequestPrompts]
    ) -> Iterator[Stage]:
        """Yield the stages for images of equal size.

        Args:
            request: One of their requests.
            prompts: The prompts of each image.
        """
        source = self._sources.first(request)
        of_passes = [
            Conditions(each) for each in zip(*(one.passes for one in prompts), strict=True)
        ]
        yield from self._first_pass(request, of_passes[0], source)
        if request.second_pass is not None:
            yield from self._second_pass(request, request.second_pass, of_passes[1], source)
        yield from self._to_pictures(request.passes[-1].size)
        yield Crop()
        last = self._sources.last(request)
        if last is not None and _has_mask(last):
            yield PutBack(last)
        yield from upscaling_stages(self._context, request)

    def _first_pass(
        self,
        request: GenerationRequest,
        conditions: Conditions,
        source: SizedSource | None,
    ) -> Iterator[Stage]:
        first = request.passes[0]
        from_noise, additions = False, channel_additions(self._context, request, source)
        begins_as_noise = source is None or begins_without(self._context.pipeline, source)
        multiplier = 1.0 if source is None else source.source.noise_multiplier
        if source is None or begins_as_noise:
            yield NoiseStart(self._context, first.size, multiplier)
        else:
            yield PictureStart(source)
            if _has_mask(source):
                additions += self._kept_outside(source)
                content = source.source.mask_content
                if content in (MaskContent.NOISE, MaskContent.EMPTY):
                    yield MaskedLatents(source)
                # As diffusers' inpainting pipeline. Its image-to-image pipeline keeps the picture.
                from_noise = source.source.strength == 1 and content is MaskContent.ORIGINAL
        asked = Size(request.width, request.height)
        additions += self._controls.additions(request, asked, first.size, source)
        yield Denoising(
            context=self._context,
            conditions=conditions,
            size=first.size,
            guidance_scale=pipeline_guidance(self._context.pipeline, request),
            num_inference_steps=request.num_inference_steps,
            scheduler=request.scheduler,
            last_steps=None if begins_as_noise else first.steps,
            from_noise=from_noise,
            noise_multiplier=multiplier,
            additions=additions,
        )

    def _second_pass(
        self,
        request: GenerationRequest,
        second: SecondPass,
        conditions: Conditions,
        source: SizedSource | None,
    ) -> Iterator[Stage]:
        first, last = request.passes
        if second.upscaler == "latent":
            yield EnlargeLatents(last.size, self._context.pipeline.vae_scale_factor)
        else:
            yield from self._to_pictures(first.size)
            yield Crop(is_last=False)
            yield self._enlargement(request, second)
            yield Reencoding(self._context, last.size)
        enlarged = None if source is None else self._sources.last(request)
        additions = channel_additions(self._context, request, enlarged)
        if enlarged is not None and _has_mask(enlarged):
            additions += self._kept_outside(enlarged)
        additions += self._controls.additions(request, request.result_size, last.size, enlarged)
        yield Denoising(
            context=self._context,
            conditions=conditions,
            size=last.size,
            guidance_scale=pipeline_guidance(self._context.pipeline, request),
            num_inference_steps=_steps_of(second, request),
            scheduler=request.scheduler,
            last_steps=last.steps,
            additions=additions,
        )

    def _kept_outside(self, source: SizedSource) -> tuple[Addition, ...]:
        """Return what keeps the outside of a mask. Nine channels show it to the UNet."""
        if takes_mask(self._context.pipeline):
            return ()
        return (KeepOutside(source),)

    def _enlargement(self, request: GenerationRequest, second: SecondPass) -> Stage:
        """Return the stage that enlarges the pictures between the passes."""
        if second.model_id is not None:
            return UpscalingTo(self._context, second.model_id, request.last_size)
        return EnlargePictures(request.last_size)

    def _to_pictures(self, size: Size) -> Iterator[Stage]:
        yield Decoding(self._context)
        name = type(self._context.pipeline).__name__
        yield ToRasters(name, self._context.device.dtype, size.width, size.height)


def _has_mask(source: SizedSource) -> bool:
    return source.source.mask_image is not None


def _steps_of(second: SecondPass, request: GenerationRequest) -> int:
    """Return the steps of the whole schedule of a second pass."""
    steps = second.num_inference_steps
    return request.num_inference_steps if steps is None else steps
