"""Draws from pictures with a generator, and the pictures to draw from."""

import hashlib
import io
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from domain.generation.parts import SourceImage
from domain.generation.raster import Raster
from domain.generation.request import GenerationRequest
from domain.models.record import ModelRecord
from domain.pictures import PictureRef
from domain.ports.image_generator import DrawingBatch, DrawnBatch
from domain.services.drawing_watchers import CallbackWatcher, GenerationStep
from tests.contract.conftest import DEMO_MODEL
from tests.contract.drawing.generating import MODELS

__all__ = ["Files", "circle", "draw", "levels", "one_by_one", "scene"]


class Files:
    """Picture files by their ids, as a batch carries them."""

    def __init__(self) -> None:
        self.of_batch: dict[str, bytes] = {}

    def add(self, image: Image.Image) -> PictureRef:
        """Add a picture as a PNG file."""
        stream = io.BytesIO()
        image.save(stream, "PNG", compress_level=1)
        data = stream.getvalue()
        name = hashlib.sha256(data).hexdigest()
        self.of_batch[name] = data
        return PictureRef(
            id=name,
            media_type="image/png",
            size=len(data),
            width=image.width,
            height=image.height,
        )

    def source(
        self, image: Image.Image, mask: Image.Image | None = None, **fields: object
    ) -> SourceImage:
        """Return the part of a request that draws from these pictures."""
        sent = None if mask is None else self.add(mask)
        return SourceImage(
            init_image=self.add(image),
            mask_image=sent,
            **fields,  # type: ignore[arg-type]
        )


def draw(
    generator: Any,
    requests: Sequence[GenerationRequest],
    files: Files,
    *,
    model: ModelRecord = DEMO_MODEL,
    at_once: int = 1,
    on_step: Callable[[GenerationStep], None] | None = None,
    on_preview: Callable[[int, bytes], None] | None = None,
) -> DrawnBatch:
    """Draw with the pictures of `files`."""
    MODELS.put(model, requests[0].model_id)
    batch = DrawingBatch(requests=tuple(requests), at_once=at_once, pictures=files.of_batch)
    drawn: DrawnBatch = generator.draw(
        batch, CallbackWatcher(on_step=on_step, on_preview=on_preview)
    )
    return drawn


def one_by_one(drawn: DrawnBatch) -> list[np.ndarray]:
    """Return the pixels of each image, request by request."""
    return [levels(image.raster) for each in drawn.requests for image in each.images]


def levels(picture: Raster | Image.Image) -> np.ndarray:
    """Return (height, width, channels), signed, so that differences may be negative."""
    if isinstance(picture, Raster):
        flat = np.frombuffer(picture.pixels, np.uint8)
        return flat.reshape(picture.height, picture.width, 3).astype(int)
    return np.asarray(picture).astype(int)


def scene(width: int = 256, height: int = 256) -> Image.Image:
    """Return a picture with a sky, a ground and two shapes. No two of its columns are equal."""
    down, across = np.mgrid[0:height, 0:width]
    sky = np.stack([90 + across * 60 // width, 140 + down * 60 // height, 0 * down + 220], axis=-1)
    image = Image.fromarray(sky.astype(np.uint8))
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, height * 2 // 3, width, height), fill=(60, 120, 40))
    pen.ellipse((width // 8, height // 8, width // 3, height // 3), fill=(250, 220, 60))
    pen.rectangle((width // 2, height // 2, width * 3 // 4, height * 3 // 4), fill=(180, 50, 40))
    return image


def circle(width: int = 256, height: int = 256, level: int = 255) -> Image.Image:
    """Return a mask with a circle that is not aligned to the latents."""
    mask = Image.new("L", (width, height))
    box = (width // 2 - 61, height // 2 - 45, width // 2 + 50, height // 2 + 66)
    ImageDraw.Draw(mask).ellipse(box, fill=level)
    return mask
