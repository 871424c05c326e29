"""The inference use case."""

import dataclasses
import math
import random
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from domain.errors import (
    FieldProblem,
    GenerationFailed,
    InvalidRequest,
    ModelChanged,
    ModelNotFound,
    ModelNotLoadable,
    ModelsNotRead,
    OutOfMemory,
)
from domain.generation.request import GeneratedImage, GenerationRequest, GenerationResult
from domain.models.record import ModelRecord
from domain.ports.image_generator import (
    GenerationStep,
    ImageGenerator,
    LoadCallback,
    StepCallback,
)
from domain.samplers import Scheduler
from domain.services.heartbeat import Heartbeat
from domain.services.model_registry import ModelRegistry

__all__ = ["DrawnRequest", "GenerateImages"]

DrawnRequest = Callable[[], GenerationResult]
"""A request that is drawn: waits for its pictures to be encoded, on any thread."""

_NOT_YET = "cannot be drawn with yet; leave it out"
_RANDOM_SEED_BITS = 32
"""Seeds that are drawn fit the 32-bit fields of the tools people paste them into."""


def _draw_seed() -> int:
    return random.SystemRandom().getrandbits(_RANDOM_SEED_BITS)


class GenerateImages:
    """Draws what a request asks for, with the model it names.

    Args:
        registry: Lists the models.
        generator: Draws.
        draw_seed: Makes a seed for a request that leaves it open.
        clock: Seconds that never go back.
        load_timeout: Seconds after which a model that is still being loaded is given up.
    """

    def __init__(
        self,
        registry: ModelRegistry,
        generator: ImageGenerator,
        *,
        draw_seed: Callable[[], int] = _draw_seed,
        clock: Callable[[], float] = time.monotonic,
        load_timeout: float = math.inf,
    ) -> None:
        self._registry = registry
        self._generator = generator
        self._draw_seed = draw_seed
        self._clock = clock
        self._load_timeout = load_timeout
        self.heartbeat = Heartbeat(clock)

    @property
    def largest_batch(self) -> int:
        """How many images the device may ever draw at once."""
        return self._generator.largest_batch

    def largest_batch_of(self, model_id: str) -> int:
        """The same with this model; 1 where each picture is drawn by itself, or it has gone."""
        try:
            model = self._registry.get(model_id)
        except ModelNotFound:
            return 1
        return self.largest_batch if model.batches else 1

    def awaits(self, model_id: str) -> bool:
        """Whether the model of an accepted request is not there, but may come."""
        return self._registry.may_come(model_id)

    def admit(self, request: GenerationRequest) -> GenerationRequest:
        """The request as it will be drawn, with its seed; cheap, before any queue.

        Raises:
            ModelNotFound: no model has its `model_id`.
            ModelsNotRead: none has it now, and not all files are read.
            ModelNotLoadable: no picture can be drawn with that model.
            InvalidRequest: its scheduler or its size is not one for that model, or it carries a
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
    ) -> GenerationResult:
        """Draw the request's images, as many at once as the device takes.

        Raises: as `batch`.
        """
        admitted = self.admit(request)
        try:
            (drawn,) = self.batch(
                (admitted,), at_once=request.num_images, on_step=on_step, on_load=on_load
            )
        except OutOfMemory:
            if request.num_images == 1:
                raise
            (drawn,) = self.batch((admitted,), at_once=1, on_step=on_step, on_load=on_load)
        return drawn()

    def batch(
        self,
        requests: Sequence[GenerationRequest],
        *,
        at_once: int,
        on_step: StepCallback | None = None,
        on_load: LoadCallback | None = None,
    ) -> tuple[DrawnRequest, ...]:
        """Draw the images of requests with one `batch_key`, which have their seeds.

        At most `at_once` images are drawn together. When it returns the device is free, and who
        wants the next batch drawn need not wait for the pictures of this one.

        Raises:
            ModelNotFound: no model has their `model_id`.
            ModelNotLoadable: no picture can be drawn with that model, or its load did not end in
                time; when its file turned out to be another one than its id names, the registry no
                longer lists it, and when its bytes are why, it is not tried again.
            GenerationFailed: the generator raised what is no `Exception`, such as SystemExit.
            InvalidRequest: one carries a part that nothing draws with yet.
            DomainError: whatever `ImageGenerator.generate` raises.
        """
        for request in requests:  # a newer release may have accepted it
            _refuse_parts(request)
        started = self._clock()
        model = self._registry.get_loadable(requests[0].model_id)
        try:
            watched = self._generator.watching_loads(partial(self._load, model, started, on_load))
            with self.heartbeat.at_work(), watched:
                batch = self._generator.generate(
                    model, requests, at_once=at_once, on_step=partial(self._step, on_step)
                )
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
            # Only the main thread has Ctrl-C and the end of the process raised into it.
            if threading.current_thread() is threading.main_thread():
                raise
            raise GenerationFailed(
                f"drawing with {model.name} failed: {type(error).__name__}"
            ) from error
        drawn = self._clock()

        def result(
            request: GenerationRequest, images: Iterable[GeneratedImage], warnings: tuple[str, ...]
        ) -> GenerationResult:
            pictures = tuple(images)
            ended = self._clock()
            timings = batch.timings
            return GenerationResult(
                request=request,
                images=pictures,
                processing_time=ended - started,
                timings=dataclasses.replace(timings, encode=timings.encode + ended - drawn),
                warnings=(
                    *model.warnings,
                    *model.card.warnings_for(model.name, request.prompt, request.negative_prompt),
                    *warnings,
                ),
            )

        return tuple(
            partial(result, *row)
            for row in zip(
                requests, batch.images, batch.warnings or ((),) * len(requests), strict=True
            )
        )

    def _load(
        self, model: ModelRecord, started: float, on_load: LoadCallback | None, loaded: bool
    ) -> None:
        """Pass on a sign of life of a load; stop one that takes too long."""
        self.heartbeat.beat(loading=not loaded)
        if on_load is not None:
            on_load(loaded)
        if not loaded and self._clock() - started > self._load_timeout:
            raise ModelNotLoadable(
                f"it was not loaded within {self._load_timeout:g} seconds, the longest that a "
                "load may take here",
                model.name,
            )

    def _step(self, on_step: StepCallback | None, step: GenerationStep) -> None:
        self.heartbeat.beat(loading=False)
        if on_step is not None:
            on_step(step)


def _refuse_parts(request: GenerationRequest) -> None:
    if parts := request.parts:
        raise InvalidRequest([FieldProblem(name, _NOT_YET) for name in parts])


def _unsuited(model: ModelRecord, request: GenerationRequest) -> list[FieldProblem]:
    """What of the request this model does not do."""
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
