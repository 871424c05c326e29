"""The inference use case: draws on the thread of the device, then encodes on any thread."""

import dataclasses
import math
import random
import time
from collections.abc import Callable, Sequence
from typing import TypeVar, overload

from domain.errors import (
    AddonMismatch,
    InvalidRequest,
    ModelNotFound,
    ModelNotLoadable,
    ModelsNotRead,
)
from domain.generation.any_request import AnyRequest, AnyResult
from domain.generation.parts.rules import ModelRole
from domain.generation.request import GenerationRequest, GenerationResult
from domain.generation.upscale_request import LANCZOS, UpscaleRequest, UpscaleResult
from domain.ports.image_generator import (
    DrawingBatch,
    DrawingWatcher,
    DrawnBatch,
    ImageGenerator,
)
from domain.ports.model_headers import ModelHeaders
from domain.ports.picture_codec import PictureCodec
from domain.ports.picture_source import NoPictures, PictureSource
from domain.services.addition_checks import AdditionChecks
from domain.services.batch_inputs import (
    models_of,
    pictures_of,
    source_text,
    warnings_of,
    with_needed_vae,
)
from domain.services.drawing_watchers import (
    AttendedDrawing,
    CallbackWatcher,
    LoadCallback,
    PreviewCallback,
    StepCallback,
)
from domain.services.encode_pictures import Drawn, Mapper, PictureEncoder
from domain.services.heartbeat import Heartbeat
from domain.services.memory_shortage import check_weights_fit, drawn_with_fewer, halved
from domain.services.model_faults import exits_as_failures, note_fault
from domain.services.model_registry import ModelRegistry
from domain.services.request_checks import unsuited, unsuited_upscaler
from domain.services.upscale_checks import check_upscale

__all__ = ["GenerateImages"]

_Request = TypeVar("_Request", GenerationRequest, UpscaleRequest, AnyRequest)

_RANDOM_SEED_BITS = 32
"""Random seeds fit the 32-bit fields of the tools that people paste them into."""


def _draw_seed() -> int:
    return random.SystemRandom().getrandbits(_RANDOM_SEED_BITS)


class GenerateImages:
    """Draws the pictures of requests.

    Args:
        registry: Lists the models.
        generator: Draws the pictures.
        codec: Encodes the pictures.
        pictures: Reads the pictures that requests name. Without it, no request can name any.
        headers: Reads the tensors of models without their data. Without it, add-ons are compared
            with the checkpoint by kind and family alone.
        embed_metadata: Whether a picture carries its parameters.
        draw_seed: Makes a seed for a request without one.
        clock: Seconds of a monotonic clock.
        load_timeout: Seconds after which the load of a model is stopped.
    """

    def __init__(
        self,
        registry: ModelRegistry,
        generator: ImageGenerator,
        codec: PictureCodec,
        *,
        pictures: PictureSource | None = None,
        headers: ModelHeaders | None = None,
        embed_metadata: bool = True,
        draw_seed: Callable[[], int] = _draw_seed,
        clock: Callable[[], float] = time.monotonic,
        load_timeout: float = math.inf,
    ) -> None:
        self._registry = registry
        self._generator = generator
        self._pictures = pictures or NoPictures()
        self.additions = AdditionChecks(registry, headers)
        """Compares the models beside a checkpoint with it. Any thread may use it."""
        self._codec = codec
        self._encoder = PictureEncoder(codec, embed_metadata=embed_metadata, clock=clock)
        self._draw_seed = draw_seed
        self._clock = clock
        self._load_timeout = load_timeout
        self.heartbeat = Heartbeat(clock)

    @property
    def largest_batch(self) -> int:
        """The most images that the device can draw together."""
        return self._generator.largest_batch

    @property
    def loaded_models(self) -> frozenset[str]:
        """The ids of the models that the device has loaded now."""
        return frozenset(each.id for each in self._generator.report.loaded_models)

    def largest_batch_of(self, model_id: str) -> int:
        """Return the most images that this model can draw together.

        It is 1 if the model draws or enlarges each picture by itself, or if the model is gone.
        """
        try:
            model = self._registry.get(model_id)
        except ModelNotFound:
            return 1
        return self.largest_batch if model.batches else 1

    def may_come(self, model_id: str) -> bool:
        """Return whether the model of an accepted request is missing, but may be listed later."""
        return model_id != LANCZOS and self._registry.may_come(model_id)

    def admit(self, request: _Request) -> _Request:
        """Check a request and return it with its seed. It runs before the queue.

        It is cheap, also with add-ons if `read_ahead` was called before. A request to enlarge a
        picture has no seed.

        Raises:
            AddonMismatch: A model beside the checkpoint cannot be used with it.
            ModelChanged: The file of a model with add-ons, or of an add-on, is gone or changed.
            ModelNotFound: No model has its `model_id`, or the id of its upscaler.
            ModelsNotRead: No model has it now, and not all files are read.
            ModelNotLoadable: The model cannot draw.
            OutOfMemory: The weights of the model do not fit the device, whatever else is loaded.
            InvalidRequest: The model does not support the scheduler, the size or a picture, or an
                upscaler does not suit.
        """
        if isinstance(request, UpscaleRequest):
            check_upscale(self._registry, request)
            return request
        request = with_needed_vae(self._registry, request)
        self._check_models(request)
        if request.seed is not None:
            return request
        return dataclasses.replace(request, seed=self._draw_seed())

    def _check_models(self, request: GenerationRequest) -> None:
        """Raise the error that refuses a request with its models, as `admit` says."""
        if self._registry.awaits(request.model_id):
            raise ModelsNotRead(request.model_id)
        model = self._registry.get_loadable(request.model_id)
        check_weights_fit(model, self._generator.report)
        problems = unsuited(model, request) or self.additions.prompt_problems(model, request)
        beside = self.additions.found(request)
        for use, upscaler in beside.items():
            if use.role is ModelRole.UPSCALER:
                problems += unsuited_upscaler(upscaler, use, request)
        mismatches = self.additions.problems(model, beside)
        if problems:
            raise InvalidRequest([*problems, *mismatches])
        if mismatches:
            raise AddonMismatch(mismatches)

    def read_ahead(self, request: AnyRequest) -> None:
        """Read what `admit` compares, so that `admit` reads no file soon after. It raises nothing.

        A caller that holds a lock during `admit` calls this before it takes the lock.
        """
        if isinstance(request, GenerationRequest):
            self.additions.read_ahead(request)

    @overload
    def __call__(
        self,
        request: GenerationRequest,
        *,
        on_step: StepCallback | None = None,
        on_load: LoadCallback | None = None,
        on_preview: PreviewCallback | None = None,
    ) -> GenerationResult: ...

    @overload
    def __call__(
        self,
        request: UpscaleRequest,
        *,
        on_step: StepCallback | None = None,
        on_load: LoadCallback | None = None,
        on_preview: PreviewCallback | None = None,
    ) -> UpscaleResult: ...

    def __call__(
        self,
        request: AnyRequest,
        *,
        on_step: StepCallback | None = None,
        on_load: LoadCallback | None = None,
        on_preview: PreviewCallback | None = None,
    ) -> AnyResult:
        """Draw the images of one request and encode them, for a program without a queue.

        It draws as many images together as the device can. A request to enlarge a picture is done
        in the same way; its steps are tiles.

        Raises:
            DomainError: As `draw` and `finish`.
        """
        admitted = self.admit(request)
        self._generator.prepare()  # afterwards it knows how many images it can draw together
        (drawn,) = self.draw(
            (admitted,),
            at_once=min(request.num_images, self.largest_batch_of(request.model_id)),
            watcher=CallbackWatcher(on_step=on_step, on_load=on_load, on_preview=on_preview),
        )
        return self.finish(drawn)

    def draw(
        self,
        requests: Sequence[AnyRequest],
        *,
        at_once: int,
        watcher: DrawingWatcher,
        fewer: Callable[[int], int] = halved,
    ) -> tuple[Drawn, ...]:
        """Draw the images of requests with one `batch_key`; those for pictures have seeds.

        The thread of the device calls this, and is free again when it returns: `finish` needs no
        device. If memory is short, the batch is drawn again with fewer images together.

        Args:
            requests: The requests to draw.
            at_once: The most images to draw together.
            watcher: It receives each step, and can stop the drawing by an exception.
            fewer: Receives the number of images that did not fit, and returns the number to try
                next.

        Raises:
            ModelNotFound: No model has their `model_id`.
            ModelNotLoadable: The model cannot draw, or its load took too long. If its file no
                longer has the bytes that the id names, the registry removes the model. If the
                cause is in its bytes, the model is not tried again.
            GenerationFailed: The generator raised a BaseException that is not an `Exception`, such
                as SystemExit.
            OutOfMemory: Not even one image at a time fits.
            PictureNotFound: A picture that a request names is gone.
            StorageUnavailable: It cannot be read now.
            DomainError: Any other error of `ImageGenerator.draw`.
        """
        began = self._clock()
        models = models_of(self._registry, requests)
        name = models[0].name if models else LANCZOS
        pictures = pictures_of(self._pictures, requests)
        said = self.additions.warnings(models[0], models[1:]) if models else ()

        def attempt(together: int) -> DrawnBatch:
            batch = DrawingBatch(requests=tuple(requests), at_once=together, pictures=pictures)
            attended = AttendedDrawing(
                watcher, self.heartbeat, name, clock=self._clock, load_timeout=self._load_timeout
            )
            return self._generator.draw(batch, attended)

        try:
            with self.heartbeat.at_work(), exits_as_failures(name):
                batch = drawn_with_fewer(attempt, at_once, fewer=fewer)
        except ModelNotLoadable as error:
            note_fault(self._registry, error, models)
            raise
        ended = self._clock()
        by_id = {each.id: each for each in models}
        return tuple(
            Drawn(
                request=request,
                pictures=drawn,
                timings=batch.timings,
                warnings=(*warnings_of(models, request), *said, *drawn.warnings),
                source_text=source_text(self._codec, request, pictures),
                began=began,
                ended=ended,
                models=by_id,
            )
            for request, drawn in zip(requests, batch.requests, strict=True)
        )

    def finish(self, drawn: Drawn, *, encode_with: Mapper = map) -> AnyResult:
        """Return the picture files of a request that is drawn, as `PictureEncoder.finish` does."""
        return self._encoder.finish(drawn, encode_with=encode_with)
