"""Lets an inpainting checkpoint draw from text alone, through the ordinary pipeline.

The UNet takes 9 channels: the noisy latents (4), the mask (1), and the latents of the picture
outside the mask (4). A mask of the whole picture leaves nothing outside. The 5 further channels are
then the same at every step: ones, and the latents of a grey picture. AUTOMATIC1111's web UI does
the same when such a checkpoint draws from text. diffusers' inpainting pipeline feeds the UNet the
same channels when it gets a white mask.
"""

from typing import Any

import torch

from adapters.diffusion.pipeline import StableDiffusion

__all__ = ["INPAINTING_CHANNELS", "mask_whole_picture"]

INPAINTING_CHANNELS = 9
"""The input channels of the UNet of an inpainting checkpoint."""
_LATENTS = 4
_PIXELS_PER_LATENT = 8


def mask_whole_picture(pipeline: StableDiffusion) -> None:
    """Make a loaded `StableDiffusionPipeline` with a 9-channel UNet work like one with 4 channels.

    The UNet adds the 5 channels itself, so samplers, batches and callbacks need no change. The
    latents of the grey picture are computed again only if the size, device or precision changes.

    Raises:
        ValueError: The UNet does not take 9 channels.
    """
    unet = pipeline.unet
    if unet.config.in_channels != INPAINTING_CHANNELS:
        raise ValueError(f"the UNet takes {unet.config.in_channels} channels; inpainting takes 9")
    unet.register_to_config(in_channels=_LATENTS)
    grey = _GreyLatents(pipeline.vae)

    def add_channels(_unet: Any, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        latents = inputs[0]
        mask = torch.ones_like(latents[:, :1])
        around = grey(latents).expand(latents.shape[0], -1, -1, -1)
        return (torch.cat([latents, mask, around], dim=1), *inputs[1:])

    unet.register_forward_pre_hook(add_channels)


class _GreyLatents:
    """Returns the latents (1, 4, height, width) of a grey picture.

    They have the size, the device and the precision of the latents that it is called with.
    """

    def __init__(self, vae: Any) -> None:
        self._vae = vae
        self._key: object = None
        self._latents: Any = None

    @torch.no_grad()
    def __call__(self, like: Any) -> Any:
        height, width = like.shape[-2:]
        key = (height, width, like.device, like.dtype)
        if key != self._key:
            size = (1, 3, height * _PIXELS_PER_LATENT, width * _PIXELS_PER_LATENT)
            # Offloaded weights are moved to the device when they are called. Their input is not.
            dtype = self._vae.post_quant_conv.weight.dtype
            grey = torch.zeros(size, device=like.device, dtype=dtype)
            latents = self._vae.encode(grey).latent_dist.mode() * self._vae.config.scaling_factor
            self._key, self._latents = key, latents.to(device=like.device, dtype=like.dtype)
        return self._latents
