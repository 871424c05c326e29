"""The ControlNets of a request, for its drawings."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

import torch

from adapters.diffusion.additions.control import SteeredBy, control_addition
from adapters.diffusion.control.network import ControlNet
from adapters.diffusion.drawing.drawing_context import DrawingContext
from adapters.diffusion.drawing.pictures.maps import ControlMaps
from adapters.diffusion.drawing.pictures.source import SizedSource
from adapters.diffusion.drawing.stages.addition import Addition
from adapters.diffusion.drawing.stages.stage import Canvas
from adapters.diffusion.pipeline import StableDiffusion
from adapters.diffusion.sampling import LastSteps
from domain.errors import GenerationFailed
from domain.generation.request import GenerationRequest
from domain.sizes import Size

__all__ = ["Controls"]


class Controls:
    """The ControlNets of one batch, whose requests all name the same ones."""

    def __init__(self, context: DrawingContext[StableDiffusion]) -> None:
        self._context = context
        self._maps = ControlMaps(context)

    def additions(
        self, request: GenerationRequest, size: Size, drawn: Size, source: SizedSource | None
    ) -> tuple[Addition, ...]:
        """Return what the ControlNets add in a pass of a request.

        Args:
            request: The request.
            size: Pixels of the result of the pass.
            drawn: Pixels that are drawn, before cropping.
            source: The source pictures at this size; None for text alone.

        Raises:
            GenerationFailed: A ControlNet is for another kind of UNet.
        """
        if not request.controls:
            return ()
        unet = self._context.pipeline.unet
        networks = {
            each.model_id: self._loaded(each.model_id).network_for(unet)
            for each in request.controls
        }

        dtype = self._context.device.dtype  # that of every ControlNet

        def steered() -> tuple[SteeredBy, ...]:
            return tuple(
                SteeredBy(
                    each,
                    networks[each.model_id],
                    self._maps.at(each, size, drawn, source).to(dtype),
                )
                for each in request.controls
            )

        return (_Steered(self._context, steered),)

    def _loaded(self, model_id: str) -> ControlNet:
        found = self._context.companions.get(model_id)
        if not isinstance(found, ControlNet):
            raise GenerationFailed(f"the model {model_id} is not a ControlNet")
        return found


@dataclass
class _Steered(Addition):
    """Adds the outputs of the ControlNets to those of the UNet."""

    context: DrawingContext[StableDiffusion]
    steered: Callable[[], tuple[SteeredBy, ...]]
    _evaluations: int = field(default=0, init=False, repr=False)

    def applied(self, canvas: Canvas) -> AbstractContextManager[None]:
        pipeline = self.context.pipeline
        self._evaluations = 0

        def progressed() -> tuple[int, int]:
            return self._evaluations, len(pipeline.scheduler.timesteps)

        return control_addition(
            pipeline.unet,
            self.steered(),
            images=len(canvas.drawings),
            progressed=progressed,
            tick=canvas.still_working,
        )

    def evaluated(
        self, canvas: Canvas, latents: torch.Tensor, evaluations: int, scheduler: LastSteps
    ) -> torch.Tensor:
        self._evaluations = evaluations
        return latents
