"""The four further channels of an InstructPix2Pix UNet, and its guidance by picture and prompt.

Brooks et al., «InstructPix2Pix: Learning to Follow Image Editing Instructions», 2022,
arXiv:2211.09800. The UNet takes 8 channels: the noisy latents (4), and the latents of the picture
that the prompt changes (4). Those are not multiplied by the autoencoder's scaling factor.
"""

from contextlib import AbstractContextManager
from typing import Any

import torch

from adapters.diffusion.additions.network_calls import called_through

__all__ = ["image_guidance_addition"]

_RESIDUALS = frozenset({"down_block_additional_residuals", "mid_block_additional_residual"})
_TEXT, _ADDED, _SAMPLE = "encoder_hidden_states", "added_cond_kwargs", "sample"


def image_guidance_addition(
    unet: torch.nn.Module,
    picture: torch.Tensor,
    *,
    guidance_scale: float,
    image_guidance_scale: float,
) -> AbstractContextManager[None]:
    """Let the UNet predict by equation 3 of the paper, as long as the block lasts.

    With guidance the pipeline calls the UNet for each image with the negative prompt, and then for
    each image with the prompt. The equation needs a third prediction: without the picture and with
    the negative prompt. Its result is returned in place of both predictions. So the pipeline's own
    guidance, which is a step from one to the other, changes nothing.

    Args:
        unet: A UNet with 8 input channels.
        picture: (1 or n, 4, height / 8, width / 8): the latents of the picture, in the middle of
            the autoencoder's distribution.
        guidance_scale: The equation's scale of the prompt.
        image_guidance_scale: The equation's scale of the picture. If both scales are 1, the
            equation is the plain prediction, and the pipeline must not guide.
    """
    is_guided = guidance_scale > 1 or image_guidance_scale > 1

    def predicted(
        call: Any, latents: torch.Tensor, timestep: Any, *arguments: Any, **options: Any
    ) -> Any:
        if arguments:
            raise TypeError("the UNet takes its conditions by name")
        seen = picture.to(latents.device, latents.dtype)
        if not is_guided:
            rows = seen.repeat(len(latents) // len(seen), 1, 1, 1)
            return call(torch.cat([latents, rows], dim=1), timestep, **options)
        half = len(latents) // 2
        with_picture = seen.repeat(half // len(seen), 1, 1, 1)
        pictures = [with_picture, with_picture, torch.zeros_like(with_picture)]
        given = torch.cat([_in_three(latents), torch.cat(pictures)], dim=1)
        options[_TEXT] = _in_three(options[_TEXT])
        for name in _RESIDUALS & options.keys():  # those of a ControlNet
            found = options[name]
            is_tensor = isinstance(found, torch.Tensor)
            options[name] = _in_three(found) if is_tensor else [_in_three(each) for each in found]
        if options.get(_ADDED):
            options[_ADDED] = {name: _in_three(each) for name, each in options[_ADDED].items()}
        output = call(given, timestep, **options)
        predictions = output[0] if isinstance(output, tuple) else output[_SAMPLE]
        prompted, pictured, free = predictions.chunk(3)
        guided = (
            free + guidance_scale * (prompted - pictured) + image_guidance_scale * (pictured - free)
        )
        twice = torch.cat([guided, guided])
        if isinstance(output, tuple):
            return (twice, *output[1:])
        output[_SAMPLE] = twice
        return output

    return called_through(unet, predicted)


def _in_three(rows: torch.Tensor) -> torch.Tensor:
    """Return the rows of the prompt, of the negative prompt, and of the negative prompt again.

    The rows of a pipeline with guidance are those of the negative prompt, then of the prompt.
    """
    negative, positive = rows.chunk(2)
    return torch.cat([positive, negative, negative])
