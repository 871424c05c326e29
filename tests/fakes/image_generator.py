"""A generator that immediately draws one flat colour for each image."""

import hashlib
import io
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from PIL import Image

from domain.errors import DomainError, ModelNotLoadable, OutOfMemory
from domain.generation.request import GeneratedImage, GenerationRequest, Timings
from domain.models.record import ModelRecord
from domain.ports.image_generator import (
    GeneratedBatch,
    GenerationStep,
    ImageGenerator,
    LoadCallback,
    StepCallback,
)

__all__ = ["FakeImageGenerator"]


class FakeImageGenerator(ImageGenerator):
    """Draws a colour that only the request, the model and the seed decide.

    Attributes:
        drawn: Every request that was drawn, in order.
        gate: Drawing waits until it is set, which it is unless a test clears it.
        failures: Raised in this order, instead of drawing.
        unloadable: Ids of models that cannot be loaded.
        warnings: The warnings for each request.
        batches: The ids of the requests of each batch that was drawn, in order.
        fits: The number of images that fit into memory at once.
        on_begin: Called with each batch before it is drawn.
        after_step: Called after each step, once the receivers of the pictures know of it.
        load_ticks: How often each load reports progress before the model is loaded.
        after_load_tick: Called after each of these reports.
        previews: For how many requests a preview was made.
    """

    def __init__(self, *, prepared: bool = True, largest_batch: int = 1) -> None:
        self.batches: list[tuple[str, ...]] = []
        self.fits = 1_000
        self.on_begin: Callable[[Sequence[GenerationRequest]], None] = lambda _requests: None
        self.after_step: Callable[[GenerationStep], object] = lambda _step: None
        self.previews = 0
        self._largest_batch = largest_batch
        self.drawn: list[GenerationRequest] = []
        self.gate = threading.Event()
        self.gate.set()
        self.began = threading.Event()
        self.failures: list[BaseException] = []
        self.load_ticks = 1
        self._on_load: LoadCallback | None = None
        self.after_load_tick: Callable[[], object] = lambda: None
        self.unloadable: set[str] = set()
        self.warnings: tuple[str, ...] = ()
        self.unavailable: DomainError | None = None
        self._device = "cpu" if prepared else None

    @property
    def device(self) -> str | None:
        return self._device

    @property
    def largest_batch(self) -> int:
        return self._largest_batch

    def prepare(self) -> None:
        if self.unavailable is not None:
            raise self.unavailable
        self._device = "cpu"

    @contextmanager
    def watching_loads(self, on_load: LoadCallback) -> Iterator[None]:
        self._on_load = on_load
        try:
            yield
        finally:
            self._on_load = None

    def generate(
        self,
        model: ModelRecord,
        requests: Sequence[GenerationRequest],
        *,
        at_once: int = 1,
        on_step: StepCallback | None = None,
    ) -> GeneratedBatch:
        self.prepare()
        self.began.set()
        self.on_begin(requests)
        assert self.gate.wait(30)
        if self.failures:
            raise self.failures.pop(0)
        if model.id in self.unloadable:
            raise ModelNotLoadable(f"{model.name} is not a checkpoint")
        if self._on_load is not None:
            for _ in range(self.load_ticks):
                self._on_load(False)
                self.after_load_tick()
            self._on_load(True)
        images = sum(request.num_images for request in requests)
        together = min(at_once, self._largest_batch, images)
        if together > self.fits:
            raise OutOfMemory(f"{together} images do not fit; ask for fewer")
        steps = requests[0].num_inference_steps * -(-images // together)
        for step in range(steps):
            done = GenerationStep(step + 1, steps, self._preview)
            if on_step is not None:
                on_step(done)
            self.after_step(done)
        self.drawn += requests
        self.batches.append(tuple(request.id for request in requests))
        return GeneratedBatch(
            images=tuple(
                tuple(_image(model, request, seed) for seed in request.seeds)
                for request in requests
            ),
            timings=Timings(load=0.25, generate=0.5, encode=0.125),
            warnings=(self.warnings,) * len(requests),
        )

    def _preview(self, number: int) -> bytes:
        self.previews += 1
        return b"\xff\xd8 a small picture of request %d" % number


def _image(model: ModelRecord, request: GenerationRequest, seed: int) -> GeneratedImage:
    what = (model.id, request.batch_key, request.prompt, request.negative_prompt, seed)
    red, green, blue = hashlib.sha256(repr(what).encode()).digest()[:3]
    stream = io.BytesIO()
    size = (request.width, request.height)
    Image.new("RGB", size, (red, green, blue)).save(stream, request.output_format)
    return GeneratedImage(stream.getvalue(), seed, *size, request.output_format)
