"""A generator that immediately draws one flat colour for each image."""

import hashlib
import io
import threading
from collections.abc import Callable, Sequence
from functools import cache

from PIL import Image

from domain.errors import DomainError, ModelNotLoadable, OutOfMemory
from domain.generation.any_request import AnyRequest
from domain.generation.raster import Raster
from domain.generation.request import GenerationRequest, Timings
from domain.generation.upscale_request import UpscaleRequest
from domain.ports.image_generator import (
    DrawingBatch,
    DrawingWatcher,
    DrawnBatch,
    DrawnImage,
    DrawnRequest,
    ImageGenerator,
)
from domain.services.drawing_watchers import GenerationStep
from tests.fakes.device_report import FakeDeviceReport

__all__ = ["FakeImageGenerator"]


class FakeImageGenerator(ImageGenerator):
    """Draws a colour that only the request, the model and the seed decide.

    Attributes:
        drawn: Every request that was drawn, in order.
        enlarged: Every request to enlarge a picture that was done, in order.
        gate: Drawing waits until it is set, which it is unless a test clears it.
        failures: Raised in this order, instead of drawing.
        unloadable: Ids of models that cannot be loaded.
        warnings: The warnings for each request.
        batches: The ids of the requests of each batch that was drawn, in order.
        tried: How many images at once were tried, for each call of `draw`.
        fits: The number of images that fit into memory at once.
        on_begin: Called with each batch before it is drawn.
        after_step: Called after each step, once the watcher knows of it.
        load_ticks: How often each load reports progress before the model is loaded.
        after_load_tick: Called after each of these reports.
        previews: The number of previews that were made.
    """

    def __init__(self, *, prepared: bool = True, largest_batch: int = 1) -> None:
        self.batches: list[tuple[str, ...]] = []
        self.tried: list[int] = []
        self.fits = 1_000
        self.on_begin: Callable[[Sequence[GenerationRequest]], None] = lambda _requests: None
        self.after_step: Callable[[GenerationStep], object] = lambda _step: None
        self.previews = 0
        self._largest_batch = largest_batch
        self.drawn: list[GenerationRequest] = []
        self.enlarged: list[UpscaleRequest] = []
        self.gate = threading.Event()
        self.gate.set()
        self.began = threading.Event()
        self.failures: list[BaseException] = []
        self.load_ticks = 1
        self.after_load_tick: Callable[[], object] = lambda: None
        self.unloadable: set[str] = set()
        self.warnings: tuple[str, ...] = ()
        self.unavailable: DomainError | None = None
        self._device = "cpu" if prepared else None
        self._report = FakeDeviceReport()

    @property
    def device(self) -> str | None:
        return self._device

    @property
    def largest_batch(self) -> int:
        return self._largest_batch

    @property
    def report(self) -> FakeDeviceReport:
        return self._report

    def prepare(self) -> None:
        if self.unavailable is not None:
            raise self.unavailable
        self._device = "cpu"

    def draw(self, batch: DrawingBatch, watcher: DrawingWatcher) -> DrawnBatch:
        self.prepare()
        requests = batch.requests
        self.began.set()
        self.on_begin(batch.drawings)
        assert self.gate.wait(30)
        if self.failures:
            raise self.failures.pop(0)
        for request in requests:
            assert {each.id for each in request.pictures} <= batch.pictures.keys()
        for model_id in batch.models:
            if model_id in self.unloadable:
                raise ModelNotLoadable(f"the model {model_id} is not a checkpoint")
        for _ in range(self.load_ticks):
            watcher.loading(False)
            self.after_load_tick()
        watcher.loading(True)
        images = sum(request.num_images for request in requests)
        together = min(batch.at_once, images)
        self.tried.append(together)
        if together > self.fits:
            raise OutOfMemory(f"{together} images do not fit; ask for fewer")
        total = max(requests[0].steps, 1) * -(-images // together)
        for done in range(1, total + 1):
            watcher.step(done, total)
            for number in range(len(requests)):
                if watcher.wants_preview(number):
                    watcher.preview(number, self._preview(number))
            self.after_step(GenerationStep(done, total))
        self.drawn += batch.drawings
        self.enlarged += batch.enlargements
        self.batches.append(tuple(request.id for request in requests))
        return DrawnBatch(
            requests=tuple(
                DrawnRequest(
                    images=tuple(_image(request, seed) for seed in request.seeds),
                    sampler="Fake",
                    warnings=self.warnings,
                )
                for request in requests
            ),
            timings=Timings(load=0.25, generate=0.5, encode=0.125),
        )

    def _preview(self, number: int) -> bytes:
        self.previews += 1
        return _small_jpeg() + b"of request %d" % number


@cache
def _small_jpeg() -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (8, 10), "teal").save(stream, "JPEG")
    return stream.getvalue()


UPSCALER_SCALE = 4
"""The factor of an upscaler if the request names none."""


def _image(request: AnyRequest, seed: int | None) -> DrawnImage:
    if isinstance(request, UpscaleRequest):
        size = request.result_size(UPSCALER_SCALE)
        colour = hashlib.sha256(repr(request.image).encode()).digest()[:3]
        return DrawnImage(Raster(size.width, size.height, colour * size.pixels), None)
    what = (request.batch_key, request.prompt, request.negative_prompt, seed)
    colour = hashlib.sha256(repr(what).encode()).digest()[:3]
    size, scale = request.result_size, 1.0
    if request.upscale is not None:
        scale = request.upscale.scale or UPSCALER_SCALE
    width, height = round(size.width * scale), round(size.height * scale)
    return DrawnImage(Raster(width, height, colour * (width * height)), seed)
