"""What ControlNets add to a UNet, for the time of one drawing.

Zhang et al., «Adding Conditional Control to Text-to-Image Diffusion Models», 2023,
arXiv:2302.05543. A ControlNet reads what the UNet reads, and a map. Its outputs are added to those
of the UNet's encoder half and middle block. The outputs of several ControlNets are summed.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import torch

from adapters.diffusion.additions.network_calls import called_through
from domain.generation.parts import Control, ControlMode

__all__ = ["Progressed", "SteeredBy", "control_addition"]

_FADING = 0.825
"""The factor between two outputs of a ControlNet, from the middle block outwards, where the prompt
is more important (lllyasviel/ControlNet, `gradio_canny2image.py`; the web UI's extension too)."""
_TEXT, _ADDED = "encoder_hidden_states", "added_cond_kwargs"
_DOWN, _MIDDLE = "down_block_additional_residuals", "mid_block_additional_residual"

_Residuals = tuple[list[torch.Tensor], torch.Tensor]

Progressed = Callable[[], tuple[int, int]]
"""Returns how many evaluations of the UNet are done, and how many there are."""


@dataclass(frozen=True, slots=True)
class SteeredBy:
    """A ControlNet, and the map that it follows.

    Attributes:
        control: The part of the request.
        network: A `ControlNetModel` for the UNet.
        map: (1, 3, height, width), 0 to 1, at the size that is drawn, in the precision of the
            network.
    """

    control: Control
    network: Any
    map: torch.Tensor

    def acts(self, done: int, total: int) -> bool:
        """Whether it acts on the next evaluation.

        The share of the evaluations counts, as `control_guidance_start` and `control_guidance_end`
        of diffusers do.
        """
        begins, ends = done / total, (done + 1) / total
        return self.control.scale > 0 and begins >= self.control.start and ends <= self.control.end


def control_addition(
    unet: torch.nn.Module,
    controls: Sequence[SteeredBy],
    *,
    images: int,
    progressed: Progressed,
    tick: Callable[[], None],
) -> AbstractContextManager[None]:
    """Add the outputs of ControlNets to those of the UNet, as long as the block lasts.

    No ControlNet is computed outside of its share of the steps.

    Args:
        unet: A UNet that takes four channels here; further ones are added inside.
        controls: The ControlNets.
        images: How many images are drawn together. With guidance the UNet is called with twice as
            many rows: first those of the negative prompt, then those of the prompt.
        progressed: Tells where the drawing is.
        tick: Called before each ControlNet. Its exception ends the drawing.
    """

    def steered(
        call: Any, latents: torch.Tensor, timestep: Any, *arguments: Any, **options: Any
    ) -> Any:
        if arguments:
            raise TypeError("the UNet takes its conditions by name")
        done, total = progressed()
        acting = [each for each in controls if each.acts(done, total)]
        for number, each in enumerate(acting):
            tick()
            down, middle = _outputs(each, latents, timestep, options, images)
            if number:
                down = [one + other for one, other in zip(options[_DOWN], down, strict=True)]
                middle = options[_MIDDLE] + middle
            options |= {_DOWN: down, _MIDDLE: middle}
        return call(latents, timestep, **options)

    return called_through(unet, steered)


def _outputs(
    steered: SteeredBy, latents: torch.Tensor, timestep: Any, options: Any, images: int
) -> _Residuals:
    """Return what a ControlNet adds, in the rows of `latents`."""
    mode, added = steered.control.mode, options.get(_ADDED)
    text = options[_TEXT]
    of_prompt_alone = mode is ControlMode.CONTROL and len(latents) == 2 * images
    if of_prompt_alone:
        latents, text = _second_half(latents), _second_half(text)
        if added:
            added = {name: _second_half(each) for name, each in added.items()}
    dtype = steered.map.dtype
    down, middle = steered.network(
        latents.to(dtype),
        timestep,
        encoder_hidden_states=text.to(dtype),
        controlnet_cond=steered.map,
        conditioning_scale=steered.control.scale,
        added_cond_kwargs=added,
        return_dict=False,
    )
    if mode is not ControlMode.BALANCED:
        down = [each * _FADING ** (len(down) - place) for place, each in enumerate(down)]
    if of_prompt_alone:
        down = [torch.cat([torch.zeros_like(each), each]) for each in down]
        middle = torch.cat([torch.zeros_like(middle), middle])
    return [each.to(latents.dtype) for each in down], middle.to(latents.dtype)


def _second_half(rows: torch.Tensor) -> torch.Tensor:
    return rows[len(rows) // 2 :]
