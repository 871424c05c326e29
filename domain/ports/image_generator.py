"""Draws pictures."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from domain.generation.request import GeneratedImage, GenerationRequest, Timings
from domain.models.record import ModelRecord

__all__ = ["GeneratedBatch", "GenerationStep", "ImageGenerator", "LoadCallback", "StepCallback"]


@dataclass(frozen=True, slots=True)
class GenerationStep:
    """A step that was just done.

    Attributes:
        done: Steps that are done.
        total: Steps in all.
        preview: The first image that request number i of the batch has under way, as it would
            look now: a small JPEG, or None where the model gives no cheap look. Made when called,
            which only the callback may do, before it returns.
    """

    done: int
    total: int
    preview: Callable[[int], bytes | None]


StepCallback = Callable[[GenerationStep], None]
"""Called between two steps. What it raises stops the batch."""

LoadCallback = Callable[[bool], None]
"""Called with False again and again while the model is being loaded, and with True once it is.

What it raises stops the load, and reaches the caller of `generate` as it is.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratedBatch:
    """The images of each request, in the order of the requests, and what to say about them.

    Attributes:
        images: They are drawn, and may still be being encoded: who looks into those of a request
            waits for them. Any thread may.
        timings: Of the whole batch, without the encoding that is still to be waited for.
        warnings: Of each request.
    """

    images: Sequence[Sequence[GeneratedImage]]
    timings: Timings
    warnings: tuple[tuple[str, ...], ...] = ()


class ImageGenerator(ABC):
    """A device that draws. One thread at a time calls `prepare` and `generate`."""

    @property
    @abstractmethod
    def device(self) -> str | None:
        """`cuda`, `mps` or `cpu`; None until `prepare` has found out. Any thread may ask."""

    @property
    @abstractmethod
    def largest_batch(self) -> int:
        """How many images may ever be drawn at once: 1 where a batch saves no time, or is not
        prepared. Any thread may ask.
        """

    @abstractmethod
    def prepare(self) -> None:
        """Find the device and get ready. Doing it again does nothing.

        Raises:
            DeviceUnavailable: the device that was asked for is not there.
        """

    def watching_loads(self, on_load: LoadCallback) -> AbstractContextManager[None]:
        """Call `on_load` while a model is loaded, in each `generate` of the block.

        The argument is False while the model is loaded, at least once a second where that can be,
        and True once it is. What the callback raises ends the load, and `generate` raises it. A
        generator that loads nothing need not call it: nothing is watched by default.
        """
        return nullcontext()

    @abstractmethod
    def generate(
        self,
        model: ModelRecord,
        requests: Sequence[GenerationRequest],
        *,
        at_once: int = 1,
        on_step: StepCallback | None = None,
    ) -> GeneratedBatch:
        """Draw every image of `requests`, which have their seeds and share one `batch_key`.

        Their scheduler is one of the model's `schedulers`, or None.

        At most `at_once` images are drawn together, and never more than `largest_batch`. An
        image depends on its request and its seed alone, whatever is drawn beside it; what is
        drawn beside it changes no more than the last bits of rounding.

        Whatever else a library raises, also what is no `Exception`, becomes one of these:

        Raises:
            DeviceUnavailable: as `prepare`, which is called when nobody did.
            GenerationFailed: the device or the model failed.
            ModelNotLoadable: the model's file is not what it should be.
            OutOfMemory: it does not fit, though other models were given up for it; memory is
                given back. With a smaller `at_once` it may fit.
        """
