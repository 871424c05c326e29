"""Pictures to latents."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution
from PIL import Image

from adapters.diffusion.drawing.drawing_context import DrawingContext
from adapters.diffusion.drawing.stages.autoencoder import Autoencoding, latents_of, precision_of
from adapters.diffusion.pipeline import StableDiffusion

__all__ = ["EncodedPictures", "encode_pictures", "scaled_sample"]

_TILED = (
    "memory was short, so the picture was encoded in tiles, which changes the drawing a little; "
    "ask for a smaller one to have it whole"
)


@dataclass(frozen=True, slots=True)
class EncodedPictures:
    """The latents of some pictures, as the autoencoder has them: as a distribution.

    Attributes:
        mean: (n, channels, height / 8, width / 8) in float32, on the device.
        spread: The standard deviation of each number; None if the autoencoder gives numbers.
        said: Warnings for the callers.
    """

    mean: torch.Tensor
    spread: torch.Tensor | None
    said: tuple[str, ...] = field(default=(), repr=False)

    def sampled(self, generators: Sequence[torch.Generator]) -> torch.Tensor:
        """Return latents of the distribution for each generator, before they are scaled.

        A single picture is sampled by each generator. The noise is drawn in float32 on the CPU, in
        the order in which the pipelines of diffusers draw it.
        """
        if self.spread is None:
            return self.mean.expand(len(generators), -1, -1, -1)
        shape = (1, *self.mean.shape[1:])
        noise = torch.cat([torch.randn(shape, generator=each) for each in generators])
        return self.mean + self.spread * noise.to(self.mean.device)


def encode_pictures(
    context: DrawingContext[StableDiffusion],
    pictures: Sequence[Image.Image],
    hidden: np.ndarray | None = None,
) -> EncodedPictures:
    """Encode pictures of one size, whose sides are multiples of 8.

    Args:
        context: The pipeline and its surroundings.
        pictures: The pictures.
        hidden: (height, width), boolean: which pixels become grey, halfway between black and white.
            None for no pixel.

    Raises:
        OutOfMemory: It does not fit, and the plan allows no tiles.
    """
    vae, said = context.pipeline.vae, dict[str, None]()
    # (n, height, width, 3) in memory, which is the channels-last layout.
    levels = torch.from_numpy(np.stack([np.asarray(picture) for picture in pictures]))
    levels = levels.to(context.device.torch_device).permute(0, 3, 1, 2)
    shown = None if hidden is None else torch.from_numpy(~hidden).to(levels.device)
    is_distribution = True

    def run() -> torch.Tensor:
        nonlocal is_distribution
        pixels = 2.0 * (levels.float() / 255.0) - 1.0
        pixels = (pixels if shown is None else pixels * shown).to(precision_of(vae))
        encoded = vae.encode(pixels)
        is_distribution = hasattr(encoded, "latent_dist")
        found: torch.Tensor = encoded.latent_dist.parameters if is_distribution else encoded.latents
        return found

    scale = context.pipeline.vae_scale_factor
    found = Autoencoding(
        context,
        run,
        height=levels.shape[-2] // scale,
        width=levels.shape[-1] // scale,
        verb="encoding",
        whole_failed="encoding the picture as a whole",
        in_tiles=_TILED,
    )(levels, lambda text: said.setdefault(text))
    if not is_distribution:
        return EncodedPictures(found.float(), None, tuple(said))
    distribution = DiagonalGaussianDistribution(found.float())
    return EncodedPictures(distribution.mean, distribution.std, tuple(said))


def scaled_sample(
    context: DrawingContext[StableDiffusion],
    encoded: EncodedPictures,
    generators: Sequence[torch.Generator],
) -> torch.Tensor:
    """Return a sample for each generator, in the scale of the UNet's latents, in float32."""
    return latents_of(context.pipeline.vae, encoded.sampled(generators))
