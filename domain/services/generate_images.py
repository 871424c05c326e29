"""The inference use case: draw on the thread of the device, then finish on any thread."""

import dataclasses
import math
import random
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

from domain.errors import (
    FieldProblem,
    GenerationFailed,
    InvalidRequest,
    ModelChanged,
    ModelNotFound,
    ModelNotLoadable,
    ModelsNotRead,
)
from domain.generation.picture_parameters import parameters_text
from domain.generation.request import (
    GeneratedImage,
    GenerationRequest,
    GenerationResult,
    Timings,
)
from domain.models.record import ModelRecord
from domain.ports.image_generator import (
    DrawingBatch,
    DrawingWatcher,
    DrawnBatch,
    DrawnImage,
    DrawnRequest,
    ImageGenerator,
)
from domain.ports.picture_codec import PictureCodec
from domain.samplers import Scheduler
from domain.services.drawing_watchers import (
    AttendedDrawing,
    CallbackWatcher,
    LoadCallback,
    PreviewCallback,
    StepCallback,
)
from domain.services.heartbeat import Heartbeat
from domain.services.memory_shortage import drawn_with_fewer, halved
from domain.services.model_registry import ModelRegistry

__all__ = ["ENCODERS", "Drawn", "GenerateImages"]

ENCODERS = 2
"""Threads that encode the pictures of one request. Pillow lets go of Python's lock meanwhile."""

_NOT_YET = "cannot be drawn with yet; leave it out"
_RANDOM_SEED_BITS = 32
"""Random seeds fit the 32-bit fields of the tools that people paste them into."""


def _draw_seed() -> int:
    return random.SystemRandom().getrandbits(_RANDOM_SEED_BITS)


class Mapper(Protocol):
    """`map`, or the `map` of an executor."""

    def __call__(
        self, function: Callable[[DrawnImage], GeneratedImage], images: Iterable[DrawnImage], /
    ) -> Iterable[GeneratedImage]:
        """What `function` returns for each image, in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A request that is drawn, and whose pictures are not encoded yet.

    Attributes:
        request: With its seed.
        pictures: Its images as the generator drew them.
        timings: The seconds of the batch that it was drawn in.
        warnings: What its caller should know, from the model's card and from the generator.
        began: When the work on the batch began, by the clock of the use case.
        ended: When the batch was drawn.
    """

    request: GenerationRequest
    pictures: DrawnRequest
    timings: Timings
    warnings: tuple[str, ...]
    began: float
    ended: float


class GenerateImages:
    """Draws what a request asks for, with the model it names.

    Args:
        registry: Lists the models.
        generator: Draws.
        codec: Makes the picture files.
        embed_metadata: Whether a picture carries its parameters.
        draw_seed: Makes a seed for a request without one.
        clock: Seconds that never go back.
        load_timeout: Seconds after which a load is given up.
    """

    def __init__(
        self,
        registry: ModelRegistry,
        generator: ImageGenerator,
        codec: PictureCodec,
        *,
        embed_metadata: bool = True,
        draw_seed: Callable[[], int] = _draw_seed,
        clock: Callable[[], float] = time.monotonic,
        load_timeout: float = math.inf,
    ) -> None:
        self._registry = registry
        self._generator = generator
        self._codec = codec
        self._embed_metadata = embed_metadata
        self._draw_seed = draw_seed
        self._clock = clock
        self._load_timeout = load_timeout
        self.heartbeat = Heartbeat(clock)

    @property
    def largest_batch(self) -> int:
        """How many images the device can draw together at most."""
        return self._generator.largest_batch

    @property
    def loaded_models(self) -> frozenset[str]:
        """The ids of the models that the device has loaded now."""
        return frozenset(each.id for each in self._generator.report.loaded_models)

    def largest_batch_of(self, model_id: str) -> int:
        """The same with this model: 1 if each picture is drawn by itself, or the model is gone."""
        try:
            model = self._registry.get(model_id)
        except ModelNotFound:
            return 1
        return self.largest_batch if model.batches else 1

    def may_come(self, model_id: str) -> bool:
        """Whether the model of an accepted request is not there, but may come."""
        return self._registry.may_come(model_id)

    def admit(self, request: GenerationRequest) -> GenerationRequest:
        """The request as it will be drawn, with its seed. Cheap: it is called before any queue.

        Raises:
            ModelNotFound: no model has its `model_id`.
            ModelsNotRead: no model has it now, and not all files are read.
            ModelNotLoadable: no picture can be drawn with that model.
            InvalidRequest: that model does not take its scheduler or its size, or the request has a
                part that nothing draws with yet.
        """
        _refuse_parts(request)
        if self._registry.awaits(request.model_id):
            raise ModelsNotRead(request.model_id)
        model = self._registry.get_loadable(request.model_id)
        problems = _unsuited(model, request)
        if problems:
            raise InvalidRequest(problems)
        if request.seed is not None:
            return request
        return dataclasses.replace(request, seed=self._draw_seed())

    def __call__(
        self,
        request: GenerationRequest,
        *,
        on_step: StepCallback | None = None,
        on_load: LoadCallback | None = None,
        on_preview: PreviewCallback | None = None,
    ) -> GenerationResult:
        """Draw the images of one request and encode them, for a program without a queue.

        As many images are drawn together as the device takes.

        Raises: as `draw` and `finish`.
        """
        admitted = self.admit(request)
        self._generator.prepare()  # until then it does not know how many it can draw together
        (drawn,) = self.draw(
            (admitted,),
            at_once=min(request.num_images, self.largest_batch_of(request.model_id)),
            watcher=CallbackWatcher(on_step=on_step, on_load=on_load, on_preview=on_preview),
        )
        if request.num_images == 1:
            return self.finish(drawn)
        with ThreadPoolExecutor(ENCODERS, thread_name_prefix="encode") as threads:
            return self.finish(drawn, encode_with=threads.map)

    def draw(
        self,
        requests: Sequence[GenerationRequest],
        *,
        at_once: int,
        watcher: DrawingWatcher,
        fewer: Callable[[int], int] = halved,
    ) -> tuple[Drawn, ...]:
        """Draw the images of requests with one `batch_key`, which have their seeds.

        For the thread of the device, which is free again when this returns: `finish` needs no
        device. Where memory is short, the batch is drawn again with fewer images together.

        Args:
            requests: What to draw.
            at_once: How many images may be drawn together.
            watcher: It is told of each step, and can stop the drawing by an exception.
            fewer: Is told how many images together did not fit, and says how many to try now.

        Raises:
            ModelNotFound: no model has their `model_id`.
            ModelNotLoadable: no picture can be drawn with that model, or its load took too long.
                If its file is not the one that the id names, the registry does not list it any
                more. If its bytes are the reason, it is not tried again.
            GenerationFailed: the generator raised something that is not an `Exception`, such as
                SystemExit.
            InvalidRequest: a request has a part that nothing draws with yet.
            OutOfMemory: not even one image at a time fits.
            DomainError: whatever else `ImageGenerator.draw` raises.
        """
        for request in requests:  # a newer release may have accepted it
            _refuse_parts(request)
        began = self._clock()
        model = self._registry.get_loadable(requests[0].model_id)

        def attempt(together: int) -> DrawnBatch:
            batch = DrawingBatch(requests=tuple(requests), at_once=together)
            attended = AttendedDrawing(
                watcher, self.heartbeat, model, clock=self._clock, load_timeout=self._load_timeout
            )
            return self._generator.draw(batch, attended)

        try:
            with self.heartbeat.at_work():
                batch = drawn_with_fewer(attempt, at_once, fewer=fewer)
        except ModelChanged:
            self._registry.forget(model.id)
            raise
        except ModelNotLoadable as error:
            if error.lasting:
                self._registry.reject(model.id, error.reason)
            raise
        except Exception:
            raise
        except BaseException as error:
            # Python raises Ctrl-C and the end of the process in the main thread alone.
            if threading.current_thread() is threading.main_thread():
                raise
            raise GenerationFailed(
                f"drawing with {model.name} failed: {type(error).__name__}"
            ) from error
        ended = self._clock()
        return tuple(
            Drawn(
                request=request,
                pictures=pictures,
                timings=batch.timings,
                warnings=(
                    *model.warnings,
                    *model.card.warnings_for(model.name, request.prompt, request.negative_prompt),
                    *pictures.warnings,
                ),
                began=began,
                ended=ended,
            )
            for request, pictures in zip(requests, batch.requests, strict=True)
        )

    def finish(self, drawn: Drawn, *, encode_with: Mapper = map) -> GenerationResult:
        """The picture files of a request that is drawn. Any thread may call it.

        The time since the batch was drawn counts as encoding, a wait for a free thread included.

        Args:
            drawn: What `draw` returned.
            encode_with: `map`, or the `map` of an executor, whose threads encode in parallel.

        Raises:
            OutOfMemory: the host has not enough memory.
            GenerationFailed: encoding failed for another reason.
        """

        def encoded(image: DrawnImage) -> GeneratedImage:
            return self._encoded(drawn.request, image, drawn.pictures.sampler)

        images = tuple(encode_with(encoded, drawn.pictures.images))
        now, timings = self._clock(), drawn.timings
        return GenerationResult(
            request=drawn.request,
            images=images,
            processing_time=now - drawn.began,
            timings=dataclasses.replace(timings, encode=timings.encode + now - drawn.ended),
            warnings=drawn.warnings,
        )

    def _encoded(
        self, request: GenerationRequest, image: DrawnImage, sampler: str
    ) -> GeneratedImage:
        text = parameters_text(request, seed=image.seed, sampler=sampler)
        data = self._codec.encode(
            image.raster.centre(request.width, request.height),
            text if self._embed_metadata else None,
            request.output_format,
            request.quality,
        )
        return GeneratedImage(
            data, image.seed, request.width, request.height, request.output_format
        )


def _refuse_parts(request: GenerationRequest) -> None:
    if parts := request.parts:
        raise InvalidRequest([FieldProblem(name, _NOT_YET) for name in parts])


def _unsuited(model: ModelRecord, request: GenerationRequest) -> list[FieldProblem]:
    """What this model cannot draw of the request."""
    sizes = model.sizes
    problems = [] if sizes is None else sizes.problems(request.width, request.height, of=model.name)
    if request.scheduler is not None and request.scheduler not in model.schedulers:
        problems.append(_not_for(model, request.scheduler))
    return problems


def _not_for(model: ModelRecord, scheduler: Scheduler) -> FieldProblem:
    return FieldProblem(
        "scheduler",
        f"is '{scheduler}', which {model.name} does not take; leave it out, or choose another "
        "model",
    )
