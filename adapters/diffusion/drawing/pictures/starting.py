"""Stages that begin with pictures, or enlarge what the first pass drew."""

from dataclasses import dataclass

import torch
from PIL import Image

from adapters.diffusion.drawing.drawing_context import DrawingContext
from adapters.diffusion.drawing.pictures.encoding import encode_pictures, scaled_sample
from adapters.diffusion.drawing.pictures.resizing import as_image, as_raster, padded
from adapters.diffusion.drawing.pictures.source import SizedSource
from adapters.diffusion.drawing.progress import Progress
from adapters.diffusion.drawing.stages.denoising import new_noise
from adapters.diffusion.drawing.stages.stage import Canvas, Stage
from adapters.diffusion.pipeline import StableDiffusion
from domain.generation.parts import MaskContent
from domain.sizes import Size

__all__ = ["EnlargeLatents", "EnlargePictures", "MaskedLatents", "PictureStart", "Reencoding"]


@dataclass(frozen=True, slots=True)
class PictureStart(Stage):
    """Picture to latents: a sample of the autoencoder's distribution for each image."""

    source: SizedSource

    def __call__(self, canvas: Canvas, progress: Progress) -> None:
        """Set `canvas.latents` to (n, channels, height / 8, width / 8), in float32."""
        encoded = self.source.encoded
        for text in (*encoded.said, *self.source.warnings):
            canvas.warn(text)
        canvas.latents = scaled_sample(self.source.context, encoded, canvas.generators)


@dataclass(frozen=True, slots=True)
class MaskedLatents(Stage):
    """Latents to latents: puts noise or nothing below the mask, where the request asks for it."""

    source: SizedSource

    def __call__(self, canvas: Canvas, progress: Progress) -> None:
        """Change `canvas.latents` below the mask."""
        latents = canvas.latents
        if self.source.source.mask_content is MaskContent.NOISE:
            below = new_noise(canvas, tuple(latents.shape[1:])).to(latents.device)
        else:
            below = torch.zeros_like(latents)
        cells = torch.from_numpy(self.source.cells).to(latents.device)
        canvas.latents = torch.where(cells, below, latents)


@dataclass(frozen=True, slots=True)
class EnlargeLatents(Stage):
    """Latents to latents: enlarges them bilinearly, as «Latent» of AUTOMATIC1111's web UI does."""

    size: Size
    """Pixels that the next pass draws."""
    pixels_per_latent: int

    def __call__(self, canvas: Canvas, progress: Progress) -> None:
        """Replace `canvas.latents` by larger ones, in float32."""
        sides = [side // self.pixels_per_latent for side in (self.size.height, self.size.width)]
        canvas.latents = torch.nn.functional.interpolate(
            canvas.latents.float(), size=sides, mode="bilinear", align_corners=False
        )


@dataclass(frozen=True, slots=True)
class EnlargePictures(Stage):
    """Pixels to pixels: enlarges each picture to exactly `size`, with Lanczos' filter."""

    size: Size

    def __call__(self, canvas: Canvas, progress: Progress) -> None:
        """Replace `canvas.rasters`."""
        size = (self.size.width, self.size.height)
        canvas.rasters = [
            as_raster(as_image(raster).resize(size, Image.Resampling.LANCZOS))
            for raster in canvas.rasters
        ]


@dataclass(frozen=True, slots=True)
class Reencoding(Stage):
    """Pixels to latents, between two passes."""

    context: DrawingContext[StableDiffusion]
    size: Size
    """Pixels that the next pass draws: those of the pictures, or the next multiples of 8."""

    def __call__(self, canvas: Canvas, progress: Progress) -> None:
        """Replace `canvas.rasters` by `canvas.latents`, in float32."""
        width, height = self.size.width, self.size.height
        pictures = [padded(as_image(raster), width, height) for raster in canvas.rasters]
        encoded = encode_pictures(self.context, pictures)
        for text in encoded.said:
            canvas.warn(text)
        canvas.latents = scaled_sample(self.context, encoded, canvas.generators)
        canvas.rasters = ()
