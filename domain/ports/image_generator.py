"""Draws pictures."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from domain.generation import GeneratedImage, GenerationRequest, Timings
from domain.models import ModelRecord

__all__ = ["GeneratedBatch", "ImageGenerator", "StepCallback"]

StepCallback = Callable[[int, int], None]
"""Called between two steps with (steps done, steps in all). What it raises stops the batch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratedBatch:
    """The images of each request, in the order of the requests, and what to say about them."""

    images: tuple[tuple[GeneratedImage, ...], ...]
    timings: Timings
    warnings: tuple[str, ...] = ()


class ImageGenerator(ABC):
    """A device that draws. One thread at a time calls `prepare` and `generate`."""

    @property
    @abstractmethod
    def device(self) -> str | None:
        """`cuda`, `mps` or `cpu`; None until `prepare` has found out. Any thread may ask."""

    @abstractmethod
    def prepare(self) -> None:
        """Find the device and get ready. Doing it again does nothing.

        Raises:
            DeviceUnavailable: the device that was asked for is not there.
        """

    @abstractmethod
    def generate(
        self,
        model: ModelRecord,
        requests: Sequence[GenerationRequest],
        *,
        on_step: StepCallback | None = None,
    ) -> GeneratedBatch:
        """Draw every image of `requests`, which have their seeds and share one `batch_key`.

        An image depends on its request and its seed alone, whatever is drawn beside it.

        Raises:
            DeviceUnavailable: as `prepare`, which is called when nobody did.
            GenerationFailed: the device or the model failed.
            ModelNotLoadable: the model's file is not what it should be.
            OutOfMemory: it does not fit; memory is given back.
        """
