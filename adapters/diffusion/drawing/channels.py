"""The further channels of a UNet, for the drawings of a request.

A UNet of Stable Diffusion takes 4 channels: the noisy latents. An inpainting model takes 9, and an
InstructPix2Pix model 8.
"""

from contextlib import AbstractContextManager
from dataclasses import dataclass, field

import torch

from adapters.diffusion.additions.image_guidance import image_guidance_addition
from adapters.diffusion.additions.mask import mask_addition
from adapters.diffusion.drawing.drawing_context import DrawingContext
from adapters.diffusion.drawing.pictures.encoding import scaled_sample
from adapters.diffusion.drawing.pictures.source import SizedSource
from adapters.diffusion.drawing.stages.addition import Addition
from adapters.diffusion.drawing.stages.stage import Canvas
from adapters.diffusion.pipeline import StableDiffusion
from adapters.diffusion.sampling import training_of
from domain.checkpoints.families import INPAINTING_CHANNELS, PIX2PIX_CHANNELS
from domain.errors import GenerationFailed
from domain.generation.parts import MaskContent, SourceImage
from domain.generation.request import GenerationRequest

__all__ = [
    "begins_without",
    "channel_additions",
    "check_source",
    "pipeline_guidance",
    "takes_mask",
]

_ANY_GUIDANCE = 2.0
"""Any scale above 1 makes a pipeline predict with and without the prompt. Its value has no effect,
because `image_guidance_addition` replaces both predictions by its own."""


def takes_mask(pipeline: StableDiffusion) -> bool:
    """Whether the UNet takes a mask and the picture outside of it."""
    return bool(pipeline.unet.config.in_channels == INPAINTING_CHANNELS)


def check_source(pipeline: StableDiffusion, request: GenerationRequest) -> None:
    """Check that the request has a picture if the UNet takes one.

    Raises:
        GenerationFailed: It has none.
    """
    if _takes_picture(pipeline) and request.source is None:
        raise GenerationFailed(
            "this model (InstructPix2Pix) changes a picture as the prompt says; send an init_image"
        )


def begins_without(pipeline: StableDiffusion, source: SizedSource) -> bool:
    """Whether a drawing begins with noise alone, because the UNet is shown the picture.

    It does at a strength of 1, as in diffusers' pipelines for these models.
    """
    of_it = source.source
    if of_it.strength < 1:
        return False
    if of_it.mask_image is None:
        return _takes_picture(pipeline)
    return takes_mask(pipeline) and of_it.mask_content is MaskContent.ORIGINAL


def pipeline_guidance(pipeline: StableDiffusion, request: GenerationRequest) -> float:
    """Return the guidance scale for the pipeline's call. Above 1 the pipeline guides."""
    scale = request.guidance_scale
    if _takes_picture(pipeline) and _image_guidance(request.source) > 1:
        return max(scale, _ANY_GUIDANCE)
    return scale


def channel_additions(
    context: DrawingContext[StableDiffusion],
    request: GenerationRequest,
    source: SizedSource | None,
) -> tuple[Addition, ...]:
    """Return what the pipeline's UNet takes beside the latents, for a pass of a request.

    Args:
        context: The pipeline and its surroundings.
        request: The request.
        source: Its pictures at the size of the pass; None for text alone.
    """
    if takes_mask(context.pipeline):
        if source is None or source.source.mask_image is None:
            return (_WholePicture(context),)
        return (_AroundMask(context, source),)
    if _takes_picture(context.pipeline) and source is not None:
        return (_ChangedPicture(context, source, request.guidance_scale),)
    return ()


def _takes_picture(pipeline: StableDiffusion) -> bool:
    return bool(pipeline.unet.config.in_channels == PIX2PIX_CHANNELS)


def _image_guidance(source: SourceImage | None) -> float:
    scale = None if source is None else source.image_guidance_scale
    return SourceImage.DEFAULT_IMAGE_GUIDANCE if scale is None else scale


@dataclass(frozen=True, slots=True)
class _WholePicture(Addition):
    """A mask of the whole picture, for an inpainting UNet: text alone, or a picture without mask.

    AUTOMATIC1111's web UI masks the whole picture in both cases too.
    """

    context: DrawingContext[StableDiffusion]

    def applied(self, canvas: Canvas) -> AbstractContextManager[None]:
        pipeline = self.context.pipeline
        grey = self.context.memory.grey.like(canvas.latents, pipeline.vae)
        return mask_addition(pipeline.unet, torch.ones_like(grey[:, :1]), grey)


@dataclass
class _AroundMask(Addition):
    """The mask, and the picture outside of it, for an inpainting UNet."""

    context: DrawingContext[StableDiffusion]
    source: SizedSource
    _around: torch.Tensor | None = field(default=None, init=False, repr=False)

    def prepare(self, canvas: Canvas) -> None:
        encoded = self.source.encoded_around
        for text in (*encoded.said, *self.source.warnings):
            canvas.warn(text)
        self._around = scaled_sample(self.context, encoded, canvas.generators)

    def applied(self, canvas: Canvas) -> AbstractContextManager[None]:
        assert self._around is not None  # noqa: S101 - `prepare` comes first
        mask = torch.from_numpy(self.source.drawn_cells)[None, None]
        mask = mask.to(self._around.device, self._around.dtype)
        return mask_addition(self.context.pipeline.unet, mask, self._around)


@dataclass(frozen=True, slots=True)
class _ChangedPicture(Addition):
    """The picture that the prompt changes, for an InstructPix2Pix UNet."""

    context: DrawingContext[StableDiffusion]
    source: SizedSource
    guidance_scale: float

    def prepare(self, canvas: Canvas) -> None:
        for text in self.source.encoded.said:
            canvas.warn(text)

    def applied(self, canvas: Canvas) -> AbstractContextManager[None]:
        pipeline, picture = self.context.pipeline, self.source.encoded.mean
        if training_of(pipeline.scheduler.config).scales_picture:
            picture = picture * pipeline.vae.config.scaling_factor
        return image_guidance_addition(
            pipeline.unet,
            picture,
            guidance_scale=self.guidance_scale,
            image_guidance_scale=_image_guidance(self.source.source),
        )
