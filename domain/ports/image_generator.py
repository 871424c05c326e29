"""Draws pictures, in this process or in another one.

Every value here can be pickled, and no callable is handed out. So a generator can live in another
process, or on another host. `tests/contract/drawing/test_wire.py` holds this.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field

from domain.generation.raster import Raster
from domain.generation.request import GenerationRequest, Timings
from domain.ports.device_report import DeviceReport, UnknownDevice

__all__ = [
    "DrawingBatch",
    "DrawingWatcher",
    "DrawnBatch",
    "DrawnImage",
    "DrawnRequest",
    "ImageGenerator",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawingBatch:
    """What to draw.

    Attributes:
        requests: They have their seeds, and share one `batch_key`. Their scheduler is one of the
            model's `schedulers`, or None.
        at_once: How many images may be drawn together.
        pictures: The bytes of the pictures that the requests name, by their ids.

    Raises:
        ValueError: there is no request, they cannot be drawn together, or one has no seed.
    """

    requests: tuple[GenerationRequest, ...]
    at_once: int = 1
    pictures: Mapping[str, bytes] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if not self.requests:
            raise ValueError("a batch needs a request")
        if self.at_once < 1:
            raise ValueError(f"at_once is {self.at_once}; it must be at least 1")
        if any(request.seed is None for request in self.requests):
            raise ValueError("each request of a batch needs its seed")
        key = self.requests[0].batch_key
        if any(request.batch_key != key for request in self.requests):
            raise ValueError("the requests of a batch must share one batch_key")

    @property
    def models(self) -> tuple[str, ...]:
        """The ids of the models that are needed, the checkpoint first."""
        return (self.requests[0].model_id,)


@dataclass(frozen=True, slots=True)
class DrawnImage:
    """One image: at least as large as its request asks, and to be cropped around its centre."""

    raster: Raster
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnRequest:
    """The images of one request.

    Attributes:
        images: In the order of the seeds.
        sampler: The name of what drew them, as the parameters of a picture have it.
        warnings: What its caller should know of them.
    """

    images: tuple[DrawnImage, ...]
    sampler: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnBatch:
    """The images of each request, in the order of the requests.

    Attributes:
        requests: What was drawn for each.
        timings: The seconds that the whole batch took; `encode` is what a wire adds, if anything.
    """

    requests: tuple[DrawnRequest, ...]
    timings: Timings


class DrawingWatcher(ABC):
    """Follows a drawing, and may end it. The thread that draws calls it, between two steps.

    An exception of any method ends the drawing, and `draw` raises that same exception. A generator
    in another process calls these methods over a wire, so each takes and returns plain values.
    """

    @abstractmethod
    def loading(self, loaded: bool) -> None:
        """The model is being loaded; with True, it is loaded now.

        While a model is loaded, this is called with False at least once a second where the
        generator can. It is called with True once in each drawing, before its first step.
        """

    @abstractmethod
    def step(self, done: int, total: int) -> None:
        """Of `total` steps of the whole batch, `done` are done."""

    @abstractmethod
    def wants_preview(self, number: int) -> bool:
        """Whether to show how request `number` of the batch looks now. Asked after each step."""

    @abstractmethod
    def preview(self, number: int, jpeg: bytes) -> None:
        """The first image that request `number` has under way, as a small JPEG."""


class ImageGenerator(ABC):
    """A device that draws. One thread at a time calls `prepare` and `draw`."""

    @property
    @abstractmethod
    def device(self) -> str | None:
        """`cuda`, `mps` or `cpu`; None until `prepare` has found out. Any thread may ask."""

    @property
    @abstractmethod
    def largest_batch(self) -> int:
        """How many images it can draw together at most: 1 if a batch saves no time, and 1 until
        it is prepared. Any thread may ask.
        """

    @property
    def report(self) -> DeviceReport:
        """What it tells people of its device. A generator that tells nothing need not have one."""
        return UnknownDevice()

    @abstractmethod
    def prepare(self) -> None:
        """Find the device and get ready. A second call does nothing.

        Raises:
            DeviceUnavailable: the device that was asked for is not there.
        """

    @abstractmethod
    def draw(self, batch: DrawingBatch, watcher: DrawingWatcher) -> DrawnBatch:
        """Draw every image of a batch.

        At most `batch.at_once` images are drawn together. An image depends on its request and its
        seed alone: other images of the batch change no more than the last bits of rounding.

        The generator finds the models of the batch on its own host, and proves that their bytes are
        those that the ids name.

        What the watcher raises comes out as it is. Whatever else a library raises becomes one of
        these, even if it is not an `Exception`:

        Raises:
            DeviceUnavailable: as `prepare`, which this calls if nobody did.
            GenerationFailed: the device or the model failed.
            ModelNotFound: the host of the generator has no model of this id.
            ModelNotLoadable: the model's file is not what it should be.
            OutOfMemory: it does not fit, although other models were given up for it. The memory is
                given back. With a smaller `at_once` it may fit.
        """
