"""What a counterpart is called with to draw from a picture, and the picture at a strength of 0."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import diffusers
import numpy as np
import torch

from adapters.diffusion.drawing.drawing_context import DrawingContext
from adapters.diffusion.drawing.others.counterparts import counterparts_of
from adapters.diffusion.drawing.pictures.masks import whole
from adapters.diffusion.drawing.pictures.source import SizedSource
from adapters.diffusion.drawing.progress import Progress
from adapters.diffusion.drawing.stages.stage import Canvas, Stage
from adapters.diffusion.pipeline import Pipeline
from domain.errors import GenerationFailed
from domain.generation.parts import MaskContent
from domain.generation.request import GenerationRequest

__all__ = ["PictureCall", "PictureOf", "ThroughAutoencoder", "picture_warnings"]

PictureOf = Callable[[Canvas], Any]
"""Returns the picture of Pillow that a drawing starts from, in the size that is drawn."""

_CONSISTENCY = "LatentConsistencyModelImg2ImgPipeline"
_CONSISTENCY_STEPS = 50
"""The steps of the distillation, of which a strength takes a share (`LCMScheduler`)."""
_KLEIN = "Flux2KleinInpaintPipeline"
_KLEIN_PIXELS = 1024 * 1024
"""The class makes a larger picture smaller, and draws that size."""


@dataclass(frozen=True, slots=True)
class PictureCall:
    """Returns the arguments of a counterpart's call.

    Attributes:
        kind: The counterpart.
        of_text: The arguments for a drawing from text of this size.
        picture: Returns the picture to start from.
        mask: Has the mask; None to draw the whole picture.
        run: The steps that run.
        strength: The strength that was asked for.
    """

    kind: str
    of_text: Mapping[str, Any]
    picture: PictureOf
    mask: SizedSource | None
    run: int
    strength: float

    def __call__(self, canvas: Canvas) -> Mapping[str, Any]:
        """Return the arguments, without generators.

        Raises:
            GenerationFailed: The counterpart does not draw this size.
        """
        takes = inspect.signature(getattr(diffusers, self.kind).__call__).parameters
        image, steps = self.picture(canvas), self.of_text["num_inference_steps"]
        if self.kind == _KLEIN and image.width * image.height > _KLEIN_PIXELS:
            raise GenerationFailed(
                f"{self.kind} draws from pictures of at most {_KLEIN_PIXELS} pixels, and not of "
                f"{image.width} × {image.height}; ask for a smaller width or height"
            )
        pictures: dict[str, Any] = {"image": image}
        for text in () if self.mask is None else self.mask.warnings:
            canvas.warn(text)
        if "mask_image" in takes:
            pictures["mask_image"] = whole(image) if self.mask is None else self.mask.mask
        # The pipelines run as many of the last steps as `steps * strength`, rounded up. Half a
        # step less makes it this number, whatever the error of the product.
        strength = 1.0 if self.run == steps else (self.run - 0.5) / steps
        if self.kind == _CONSISTENCY:
            # It runs all steps, from the noise of this strength.
            steps, strength = self.run, max(self.strength, 1 / _CONSISTENCY_STEPS)
        given = {**self.of_text, **pictures, "num_inference_steps": steps, "strength": strength}
        return {name: value for name, value in given.items() if name in takes}


@dataclass(frozen=True, slots=True)
class ThroughAutoencoder(Stage):
    """A picture to pixels, through the autoencoder: a strength of 0.

    Attributes:
        context: The loaded pipeline and its surroundings.
        picture: Returns the picture.
    """

    context: DrawingContext[Pipeline]
    picture: PictureOf

    def __call__(self, canvas: Canvas, progress: Progress) -> None:
        """Set `canvas.pixels`."""
        vae = self.context.pipeline.vae
        weight = next(vae.parameters())
        levels = torch.from_numpy(np.array(self.picture(canvas))).permute(2, 0, 1)[None]
        pixels = (levels.float() / 127.5 - 1).to(self.context.memory.device, weight.dtype)
        is_video = any(each.ndim == 5 for each in vae.parameters())
        try:
            encoded = vae.encode(pixels[:, :, None] if is_video else pixels)
            if hasattr(encoded, "latent_dist"):
                found = encoded.latent_dist
                noise = torch.randn(found.mean.shape, generator=canvas.generators[0])
                latents = found.mean + found.std * noise.to(found.mean.device, found.mean.dtype)
            else:
                latents = encoded.latent
            decoded = vae.decode(latents, return_dict=False)[0]
        finally:
            self.context.pipeline.maybe_free_model_hooks()
        canvas.pixels = ((decoded[:, :, 0] if is_video else decoded).float() / 2 + 0.5).clamp(0, 1)


def picture_warnings(pipeline: Pipeline, request: GenerationRequest) -> Iterator[str]:
    """Yield what the pipeline does not support of a drawing from pictures."""
    name, second = type(pipeline).__name__, request.second_pass
    content = None if request.source is None else request.source.mask_content
    if counterparts_of(pipeline).mask and content in (MaskContent.NOISE, MaskContent.EMPTY):
        yield (
            f"{name} starts the masked area from the picture; mask_content {content} had no effect"
        )
    if second is not None and second.upscaler == "latent":
        yield f"{name} does not enlarge latents; lanczos enlarged the picture for the second pass"
