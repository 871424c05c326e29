"""The five further channels of an inpainting UNet: the mask, and the picture outside the mask.

The UNet takes 9 channels: the noisy latents (4), the mask (1), and the latents of the picture
outside the mask (4) (Stable Diffusion's `LatentInpaintDiffusion`; diffusers'
`StableDiffusionInpaintPipeline`). What is inside the mask is grey in that picture. A drawing from
text alone has a mask of the whole picture, so that the whole picture is grey. AUTOMATIC1111's web
UI does the same.
"""

import weakref
from contextlib import AbstractContextManager
from typing import Any

import torch

from adapters.diffusion.additions.network_calls import called_through

__all__ = ["GreyLatents", "mask_addition"]

_PIXELS_PER_LATENT = 8


def mask_addition(
    unet: torch.nn.Module, mask: torch.Tensor, around: torch.Tensor
) -> AbstractContextManager[None]:
    """Give the UNet these channels beside the latents, as long as the block lasts.

    The UNet may be called with the latents of n images once, or several times in one batch, as
    guidance does.

    Args:
        unet: A UNet with 9 input channels.
        mask: (1 or n, 1, height / 8, width / 8); 1 is drawn, 0 stays.
        around: (1 or n, 4, height / 8, width / 8): the latents of the masked picture.
    """
    images = max(len(mask), len(around))
    rows = [each.expand(images, -1, -1, -1) for each in (mask, around)]
    channels = torch.cat(rows, dim=1)

    def with_channels(call: Any, latents: torch.Tensor, *arguments: Any, **options: Any) -> Any:
        more = channels.to(latents.device, latents.dtype)
        more = more.repeat(len(latents) // images, 1, 1, 1)
        return call(torch.cat([latents, more], dim=1), *arguments, **options)

    return called_through(unet, with_channels)


class GreyLatents:
    """The latents of a grey picture, kept until another size, device or precision is wanted.

    They are kept for the autoencoder that was used last. For one thread.
    """

    def __init__(self) -> None:
        self._key: object = None
        self._latents: Any = None

    def like(self, latents: torch.Tensor, vae: Any) -> torch.Tensor:
        """Return (1, 4, height, width), in the size, device and precision of `latents`."""
        height, width = latents.shape[-2:]
        # A weak reference, so that an autoencoder can be unloaded.
        key = (height, width, latents.device, latents.dtype, weakref.ref(vae))
        if key != self._key:
            size = (1, 3, height * _PIXELS_PER_LATENT, width * _PIXELS_PER_LATENT)
            # Offloaded weights are moved to the device when they are called. Their input is not.
            dtype = next(vae.parameters()).dtype
            grey = torch.zeros(size, device=latents.device, dtype=dtype)
            with torch.no_grad():
                found = vae.encode(grey).latent_dist.mode() * vae.config.scaling_factor
            self._key = key
            self._latents = found.to(device=latents.device, dtype=latents.dtype)
        kept: torch.Tensor = self._latents
        return kept
