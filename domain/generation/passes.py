"""The denoising passes of a request: the size of each, and the steps that it runs.

`request` is a `GenerationRequest`, which has these facts as properties.
"""

from typing import Any, NamedTuple

from domain.generation.parts.pictures import InpaintArea
from domain.sizes import Size

__all__ = ["Pass", "last_size", "next_multiple", "passes_of", "result_size", "steps_run"]

_NEXT_MULTIPLE = 8


class Pass(NamedTuple):
    """One run of the denoising steps.

    Attributes:
        size: The pixels that are drawn, before cropping.
        steps: The steps that run.
    """

    size: Size
    steps: int


def steps_run(steps: int, strength: float) -> int:
    """Return how many of `steps` run with this strength, which is their share.

    The formula is that of diffusers' `get_timesteps`. As there, the product is cut and not rounded.
    A strength above 0 runs one step at least.
    """
    return max(min(int(steps * strength), steps), 1 if strength > 0 else 0)


def passes_of(request: Any) -> tuple[Pass, ...]:
    """Return the passes of a request, in order. A pass may have no steps."""
    steps = request.num_inference_steps
    first = steps if request.source is None else steps_run(steps, request.source.strength)
    passes = [Pass(_drawn(request.width, request.height), first)]
    if (second := request.second_pass) is not None:
        size = last_size(request)
        again = steps if second.num_inference_steps is None else second.num_inference_steps
        passes.append(Pass(_drawn(size.width, size.height), steps_run(again, second.strength)))
    return tuple(passes)


def result_size(request: Any) -> Size:
    """Return the size of the picture that the request makes. An upscaler may enlarge it further."""
    source = request.source
    if source is not None and source.inpaint_area is InpaintArea.IN_PLACE:
        return Size(source.init_image.width, source.init_image.height)
    return last_size(request)


def last_size(request: Any) -> Size:
    """Return the size of what the last pass draws, without the pixels that are cropped."""
    scale = 1.0 if request.second_pass is None else request.second_pass.scale
    return Size(round(request.width * scale), round(request.height * scale))


def next_multiple(pixels: int) -> int:
    """Return the pixels of a side that is drawn before cropping: the next multiple of 8."""
    return -(-pixels // _NEXT_MULTIPLE) * _NEXT_MULTIPLE


def _drawn(width: int, height: int) -> Size:
    return Size(next_multiple(width), next_multiple(height))
