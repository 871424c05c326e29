"""Enlarges the pictures of requests that ask for nothing else."""

import time
from pathlib import PurePath

from adapters.diffusion.devices.device import Device
from adapters.diffusion.devices.errors import translated_errors
from adapters.diffusion.devices.guarded_watcher import GuardedWatcher
from adapters.diffusion.upscaling.upscalers import Upscalers
from domain.generation.request import Timings
from domain.generation.upscale_request import UpscaleRequest
from domain.models.record import ModelRecord
from domain.ports.image_generator import DrawingBatch, DrawnBatch, DrawnImage, DrawnRequest
from domain.ports.picture_codec import PictureCodec

__all__ = ["enlarge_batch"]

_LANCZOS = "Lanczos"


def enlarge_batch(
    batch: DrawingBatch,
    model: ModelRecord | None,
    *,
    upscalers: Upscalers,
    codec: PictureCodec,
    device: Device,
    watcher: GuardedWatcher,
) -> DrawnBatch:
    """Return the enlarged picture of each request of a batch, one after the other.

    A step of the watcher is a tile.

    Args:
        batch: Requests to enlarge pictures, all with the same model.
        model: The upscaler; None for Lanczos' filter.
        upscalers: Loads the upscaler and enlarges.
        codec: Decodes the pictures.
        device: The device that enlarges.
        watcher: Receives the progress, and may end the work.

    Raises:
        DomainError: As `ImageGenerator.draw`.
    """
    began = time.monotonic()
    upscaler = None if model is None else upscalers.loaded(model.id)
    watcher.loading(loaded=True)
    loaded = time.monotonic()
    name = _LANCZOS if model is None else model.name

    def one(number: int, request: UpscaleRequest) -> DrawnRequest:
        def tick(done: int, total: int) -> None:
            if done:
                watcher.step(number * total + done, len(batch.enlargements) * total)

        raster = codec.decode(batch.pictures[request.image.id])
        larger = upscalers.enlarge_by(raster, upscaler, request.scale, tick=tick)
        return DrawnRequest(images=(DrawnImage(larger, None),), sampler=PurePath(name).stem)

    with translated_errors(device, f"enlarging with {name}", watcher):
        drawn = tuple(one(number, each) for number, each in enumerate(batch.enlargements))
    return DrawnBatch(
        requests=drawn,
        timings=Timings(load=loaded - began, generate=time.monotonic() - loaded),
    )
