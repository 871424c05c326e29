"""Changes to a pipeline for the whole drawing of a batch, prompts included."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

from adapters.diffusion.drawing.drawing_context import DrawingContext
from adapters.diffusion.pipeline import StableDiffusion
from domain.generation.request import GenerationRequest

__all__ = ["whole_additions"]


def whole_additions(
    context: DrawingContext[StableDiffusion],
    request: GenerationRequest,
    warn: Callable[[str], None],
) -> Iterator[AbstractContextManager[None]]:
    """Yield what changes the pipeline for a batch, in the order in which it is entered.

    Each context manager undoes its change, whatever happens. The engine enters it before it reads
    the prompts, and leaves it after the last picture.

    Args:
        context: The pipeline and its surroundings, with the loaded companions.
        request: A request of the batch. All of them name the same companions.
        warn: Takes a warning for the callers of all requests.
    """
    yield from ()
