"""Draws and encodes with one generator, without a registry and a queue."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol

from adapters.diffusion.image_generator import DiffusersImageGenerator
from adapters.pictures.codec import PillowPictureCodec
from domain.generation.parameters import parameters_text
from domain.generation.request import GeneratedImage, GenerationRequest, Timings
from domain.models.record import ModelRecord
from domain.ports.image_generator import DrawingBatch, DrawingWatcher, DrawnBatch
from domain.services.drawing_watchers import CallbackWatcher, GenerationStep
from tests.fakes.model_locator import FakeModelLocator

__all__ = ["MODELS", "Generated", "generate", "new_generator"]

MODELS = FakeModelLocator()
"""Where the generators of the contract tests find models. `generate` puts them there."""


class _Draws(Protocol):
    def draw(self, batch: DrawingBatch, watcher: DrawingWatcher) -> DrawnBatch: ...


@dataclass(frozen=True)
class Generated:
    """The files and warnings of each request."""

    images: tuple[tuple[GeneratedImage, ...], ...]
    warnings: tuple[tuple[str, ...], ...]
    timings: Timings


def new_generator(**options: Any) -> DiffusersImageGenerator:
    """A generator that finds what `generate` is given."""
    return DiffusersImageGenerator(MODELS, PillowPictureCodec(), **options)


def generate(
    generator: _Draws,
    model: ModelRecord,
    requests: Sequence[GenerationRequest],
    *,
    at_once: int = 1,
    on_step: Callable[[GenerationStep], None] | None = None,
    on_load: Callable[[bool], None] | None = None,
    on_preview: Callable[[int, bytes], None] | None = None,
    embed_metadata: bool = True,
    pictures: Mapping[str, bytes] = MappingProxyType({}),
) -> Generated:
    """Draw `requests` with `model`, and encode the pictures as the service does."""
    MODELS.put(model, requests[0].model_id)  # whatever id the request names
    drawn = generator.draw(
        DrawingBatch(requests=tuple(requests), at_once=at_once, pictures=dict(pictures)),
        CallbackWatcher(on_step=on_step, on_load=on_load, on_preview=on_preview),
    )
    codec = PillowPictureCodec()
    return Generated(
        images=tuple(
            tuple(
                GeneratedImage(
                    codec.encode(
                        image.raster,
                        parameters_text(request, seed=image.seed, sampler=of_it.sampler)
                        if embed_metadata
                        else None,
                        request.output_format,
                        request.quality,
                    ),
                    image.seed,
                    image.raster.width,
                    image.raster.height,
                    request.output_format,
                )
                for image in of_it.images
            )
            for request, of_it in zip(requests, drawn.requests, strict=True)
        ),
        warnings=tuple(of_it.warnings for of_it in drawn.requests),
        timings=drawn.timings,
    )
