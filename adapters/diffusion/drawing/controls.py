"""The ControlNets of a request, for its drawings."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
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
    _total: int = field(default=0, init=False, repr=False)

    @contextmanager
    def applied(self, canvas: Canvas) -> Iterator[None]:
        pipeline = self.context.pipeline
        self._evaluations = self._total = 0

        def progressed() -> tuple[int, int]:
            # The pipeline has its own scheduler again when the block ends.
            self._total = len(pipeline.scheduler.timesteps)
            return self._evaluations, self._total

        steered = self.steered()
        with control_addition(
            pipeline.unet,
            steered,
            images=len(canvas.drawings),
            progressed=progressed,
            tick=canvas.still_working,
        ):
            yield
        for text in _idle(steered, self._total):
            canvas.warn(text)

    def evaluated(
        self, canvas: Canvas, latents: torch.Tensor, evaluations: int, scheduler: LastSteps
    ) -> torch.Tensor:
        self._evaluations = evaluations
        return latents


def _idle(steered: Sequence[SteeredBy], steps: int) -> Iterator[str]:
    """Yield a warning about each ControlNet that acts in none of this many steps, if any ran."""
    for number, each in enumerate(steered):
        control = each.control
        if steps and control.scale > 0 and not any(each.acts(done, steps) for done in range(steps)):
            yield (
                f"controls[{number}] acts in none of the {steps} steps of a pass: no step lies "
                f"between its start, {control.start:g}, and its end, {control.end:g}"
            )
