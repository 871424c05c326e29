"""Draws pictures, in this process or in another one.

Every value here can be pickled, and no value is a callable. So a generator can live in another
process, or on another host. `tests/contract/drawing/test_wire.py` checks this.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field

from domain.generation.any_request import AnyRequest
from domain.generation.raster import Raster
from domain.generation.request import GenerationRequest, Timings
from domain.generation.upscale_request import UpscaleRequest
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
    """Requests to draw together.

    Attributes:
        requests: The requests, all for pictures or all to enlarge one. They share one `batch_key`.
            Each request for pictures has a seed, and its scheduler is one of the model's
            `schedulers`, or None.
        at_once: The most images to draw together.
        pictures: The bytes of the pictures that the requests name, by their ids.

    Raises:
        ValueError: The batch has no request, the requests cannot be drawn together, or one has no
            seed.
    """

    requests: tuple[AnyRequest, ...]
    at_once: int = 1
    pictures: Mapping[str, bytes] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if not self.requests:
            raise ValueError("a batch needs a request")
        if self.at_once < 1:
            raise ValueError(f"at_once is {self.at_once}; it must be at least 1")
        if any(request.seed is None for request in self.drawings):
            raise ValueError("each request of a batch needs its seed")
        key = self.requests[0].batch_key
        if any(request.batch_key != key for request in self.requests):
            raise ValueError("the requests of a batch must share one batch_key")

    @property
    def drawings(self) -> tuple[GenerationRequest, ...]:
        """The requests for pictures; empty if the requests enlarge pictures."""
        return tuple(each for each in self.requests if isinstance(each, GenerationRequest))

    @property
    def enlargements(self) -> tuple[UpscaleRequest, ...]:
        """The requests to enlarge pictures; empty if the requests draw."""
        return tuple(each for each in self.requests if isinstance(each, UpscaleRequest))

    @property
    def models(self) -> tuple[str, ...]:
        """The ids of the required models, the checkpoint first."""
        uses = (use for request in self.requests for use in request.models)
        return tuple(dict.fromkeys(use.model_id for use in uses))


@dataclass(frozen=True, slots=True)
class DrawnImage:
    """An image of exactly the size of the result. The seed is None if it was only enlarged."""

    raster: Raster
    seed: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnRequest:
    """The images of one request.

    Attributes:
        images: The images in the order of their seeds.
        sampler: The name of the sampler, as it stands in the parameters of a picture.
        warnings: Warnings for the caller about the images.
    """

    images: tuple[DrawnImage, ...]
    sampler: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnBatch:
    """The images of each request, in the order of the requests.

    Attributes:
        requests: The images of each request.
        timings: The seconds of the whole batch. `encode` is the time that a wire adds, if any.
    """

    requests: tuple[DrawnRequest, ...]
    timings: Timings


class DrawingWatcher(ABC):
    """Follows a drawing, and may end it. The thread that draws calls it between two steps.

    An exception of any method ends the drawing, and `draw` raises the same exception. A generator
    in another process calls these methods over a wire, so each takes and returns plain values.
    """

    @abstractmethod
    def loading(self, loaded: bool) -> None:
        """Receive that the model is being loaded, or with True that it is loaded.

        During a load, a generator calls this with False at least once a second, if it can. It calls
        this with True once in each drawing, before the first step.
        """

    @abstractmethod
    def step(self, done: int, total: int) -> None:
        """Receive that `done` of `total` steps of the whole batch are done."""

    @abstractmethod
    def wants_preview(self, number: int) -> bool:
        """Return whether `preview` is wanted for request `number`. It is called after each step."""

    @abstractmethod
    def preview(self, number: int, jpeg: bytes) -> None:
        """Receive the first unfinished image of request `number` as a small JPEG."""


class ImageGenerator(ABC):
    """A device that draws. One thread at a time calls `prepare` and `draw`."""

    @property
    @abstractmethod
    def device(self) -> str | None:
        """`cuda`, `mps` or `cpu`; None before `prepare`. Any thread may read it."""

    @property
    @abstractmethod
    def largest_batch(self) -> int:
        """The most images that it can draw together. Any thread may read it.

        It is 1 before `prepare`, and if a batch saves no time.
        """

    @property
    def report(self) -> DeviceReport:
        """The report of its device. A generator without facts to report need not override it."""
        return UnknownDevice()

    @abstractmethod
    def prepare(self) -> None:
        """Find the device and prepare it. A second call does nothing.

        Raises:
            DeviceUnavailable: The configured device is not there.
        """

    @abstractmethod
    def draw(self, batch: DrawingBatch, watcher: DrawingWatcher) -> DrawnBatch:
        """Draw every image of a batch.

        It draws at most `batch.at_once` images together. An image depends on its request and its
        seed alone: other images of the batch change only the last bits by rounding.

        The generator finds the models of the batch on its own host, and checks that their bytes
        have the ids of the batch.

        Exceptions of the watcher are raised unchanged. Any other exception of a library becomes one
        of these errors, even if it is not an `Exception`:

        Raises:
            DeviceUnavailable: As `prepare`, which this calls if it was not called before.
            GenerationFailed: The device or the model failed.
            ModelNotFound: The host of the generator has no model with this id.
            ModelNotLoadable: The model's file is wrong.
            UnreadablePicture: A picture of the batch cannot be decoded.
            OutOfMemory: The images do not fit, although other models were unloaded. The memory is
                released. With a smaller `at_once` they may fit.
        """
