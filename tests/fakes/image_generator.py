"""A generator that draws one flat colour for each image, at once."""

import hashlib
import io
import threading
from collections.abc import Sequence

from PIL import Image

from domain.errors import DomainError, ModelNotLoadable
from domain.generation import GeneratedImage, GenerationRequest, Timings
from domain.models import ModelRecord
from domain.ports.image_generator import GeneratedBatch, ImageGenerator, StepCallback

__all__ = ["FakeImageGenerator"]


class FakeImageGenerator(ImageGenerator):
    """Draws a colour that only the request, the model and the seed decide.

    Attributes:
        drawn: Every request that was drawn, in order.
        gate: Drawing waits until it is set, which it is unless a test clears it.
        failures: Raised, first one first, instead of drawing.
        unloadable: Ids of models that can not be loaded.
        warnings: What it has to say of each batch.
    """

    def __init__(self, *, prepared: bool = True) -> None:
        self.drawn: list[GenerationRequest] = []
        self.gate = threading.Event()
        self.gate.set()
        self.began = threading.Event()
        self.failures: list[Exception] = []
        self.unloadable: set[str] = set()
        self.warnings: tuple[str, ...] = ()
        self.unavailable: DomainError | None = None
        self._device = "cpu" if prepared else None

    @property
    def device(self) -> str | None:
        return self._device

    def prepare(self) -> None:
        if self.unavailable is not None:
            raise self.unavailable
        self._device = "cpu"

    def generate(
        self,
        model: ModelRecord,
        requests: Sequence[GenerationRequest],
        *,
        on_step: StepCallback | None = None,
    ) -> GeneratedBatch:
        self.prepare()
        self.began.set()
        assert self.gate.wait(30)
        if self.failures:
            raise self.failures.pop(0)
        if model.id in self.unloadable:
            raise ModelNotLoadable(f"{model.name} is no checkpoint")
        steps = sum(request.num_inference_steps for request in requests)
        for step in range(steps):
            if on_step is not None:
                on_step(step + 1, steps)
        self.drawn += requests
        return GeneratedBatch(
            images=tuple(
                tuple(_image(model, request, seed) for seed in request.seeds)
                for request in requests
            ),
            timings=Timings(load=0.25, generate=0.5, encode=0.125),
            warnings=self.warnings,
        )


def _image(model: ModelRecord, request: GenerationRequest, seed: int) -> GeneratedImage:
    what = (model.id, request.batch_key, request.prompt, request.negative_prompt, seed)
    red, green, blue = hashlib.sha256(repr(what).encode()).digest()[:3]
    stream = io.BytesIO()
    size = (request.width, request.height)
    Image.new("RGB", size, (red, green, blue)).save(stream, "PNG")
    return GeneratedImage(
        data=stream.getvalue(), seed=seed, width=request.width, height=request.height
    )
