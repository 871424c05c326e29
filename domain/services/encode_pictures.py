"""Encodes the pictures of a request that is drawn. It needs no device."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from domain.generation.any_request import AnyRequest, AnyResult, result_of
from domain.generation.parameters import enlarged_text, parameters_text
from domain.generation.request import GeneratedImage, GenerationRequest, Timings
from domain.models.record import ModelRecord
from domain.ports.image_generator import DrawnImage, DrawnRequest
from domain.ports.picture_codec import PictureCodec

__all__ = ["ENCODERS", "Drawn", "Mapper", "PictureEncoder"]

ENCODERS = 2
"""Threads that encode the pictures of one request. Pillow releases the GIL while it encodes."""


class Mapper(Protocol):
    """`map`, or the `map` of an executor."""

    def __call__(
        self, function: Callable[[DrawnImage], GeneratedImage], images: Iterable[DrawnImage], /
    ) -> Iterable[GeneratedImage]:
        """Return the results of `function` for the images, in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A request that is drawn, and whose pictures are not encoded yet.

    Attributes:
        request: The request with its seed.
        pictures: Its images as the generator drew them.
        timings: The seconds of the batch that it was part of.
        source_text: The text that the picture of an `UpscaleRequest` carries; empty for others.
        warnings: Warnings for the caller, from the model's card and from the generator.
        began: When the work on the batch began, by the clock of the use case.
        ended: When the batch was drawn.
        models: The records of the models that the batch names, by their ids.
    """

    request: AnyRequest
    pictures: DrawnRequest
    timings: Timings
    warnings: tuple[str, ...]
    source_text: str = ""
    began: float
    ended: float
    models: Mapping[str, ModelRecord] = field(default_factory=dict)


class PictureEncoder:
    """Makes the picture files of a request that is drawn.

    Args:
        codec: Encodes a picture.
        embed_metadata: Whether a picture carries its parameters.
        clock: Seconds of a monotonic clock.
    """

    def __init__(
        self, codec: PictureCodec, *, embed_metadata: bool, clock: Callable[[], float]
    ) -> None:
        self._codec = codec
        self._embed_metadata = embed_metadata
        self._clock = clock

    def finish(self, drawn: Drawn, *, encode_with: Mapper = map) -> AnyResult:
        """Return the picture files of a request that is drawn. Any thread may call this.

        The time since the batch was drawn counts as encoding, also a wait for a free thread.

        Args:
            drawn: The request and its pictures.
            encode_with: `map`, or the `map` of an executor, whose threads encode in parallel.

        Raises:
            OutOfMemory: The host does not have enough memory.
            GenerationFailed: Encoding failed for another reason.
        """

        def encoded(image: DrawnImage) -> GeneratedImage:
            return self._encoded(drawn, image)

        images = tuple(encode_with(encoded, drawn.pictures.images))
        now, timings = self._clock(), drawn.timings
        return result_of(
            drawn.request,
            images=images,
            processing_time=now - drawn.began,
            timings=dataclasses.replace(timings, encode=timings.encode + now - drawn.ended),
            warnings=drawn.warnings,
        )

    def _encoded(self, drawn: Drawn, image: DrawnImage) -> GeneratedImage:
        request, raster = drawn.request, image.raster
        data = self._codec.encode(
            raster,
            _text(drawn, image) if self._embed_metadata else None,
            request.output_format,
            request.quality,
        )
        return GeneratedImage(data, image.seed, raster.width, raster.height, request.output_format)


def _text(drawn: Drawn, image: DrawnImage) -> str:
    request, sampler = drawn.request, drawn.pictures.sampler
    if isinstance(request, GenerationRequest):
        return parameters_text(request, seed=image.seed, sampler=sampler, models=drawn.models)
    return enlarged_text(
        drawn.source_text,
        upscaler=sampler,
        scale=image.raster.width / request.width,
        width=image.raster.width,
        height=image.raster.height,
    )
