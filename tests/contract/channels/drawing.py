"""Draws from pictures with the real generator, and what to draw from."""

import hashlib
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from adapters.diffusion.image_generator import DiffusersImageGenerator
from domain.generation.parts import SourceImage
from domain.generation.request import GenerationRequest
from domain.models.record import ModelRecord
from domain.pictures import PictureRef
from domain.ports.image_generator import DrawingBatch
from domain.services.drawing_watchers import CallbackWatcher, GenerationStep
from tests.contract.drawing.drawing import demo_request
from tests.contract.drawing.generating import MODELS

__all__ = ["INIT", "MASK", "SIDE", "Drawn", "draw", "from_picture", "ref_of", "scene"]

SIDE = 256


@dataclass(frozen=True)
class Drawn:
    """The pictures of the requests, each (height, width, 3), and the warnings of each request."""

    pictures: list[np.ndarray]
    warnings: list[tuple[str, ...]]
    steps: list[GenerationStep]


def scene(width: int = SIDE, height: int = SIDE) -> Image.Image:
    """Return a picture with a gradient, a disc and a bar."""
    down, across = np.mgrid[:height, :width]
    levels = np.stack([across * 255 // width, down * 255 // height, (across + down) % 256], axis=-1)
    levels[(across - width // 3) ** 2 + (down - height // 2) ** 2 < (height // 5) ** 2] = (
        240,
        40,
        40,
    )
    levels[:, width * 3 // 4 : width * 3 // 4 + 16] = 20
    return Image.fromarray(levels.astype(np.uint8))


def _mask() -> Image.Image:
    levels: np.ndarray = np.zeros((SIDE, SIDE), np.uint8)
    levels[64:192, 40:160] = 255
    return Image.fromarray(levels)


INIT, MASK = scene(), _mask()


def _file(image: Image.Image) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def ref_of(image: Image.Image) -> PictureRef:
    """Return the reference of a picture as PNG."""
    data = _file(image)
    digest = hashlib.sha256(data).hexdigest()
    return PictureRef(
        id=digest, media_type="image/png", size=len(data), width=image.width, height=image.height
    )


def from_picture(
    image: Image.Image = INIT, mask: Image.Image | None = None, **changes: Any
) -> GenerationRequest:
    """Return a request of the demo's kind that starts from a picture.

    `changes` are fields of the source, or else of the request.
    """
    of_source = {name: changes.pop(name) for name in list(changes) if name in SourceImage.__slots__}
    source = SourceImage(
        init_image=ref_of(image), mask_image=None if mask is None else ref_of(mask), **of_source
    )
    return demo_request(**({"source": source} | changes))


def draw(
    generator: DiffusersImageGenerator,
    model: ModelRecord,
    *requests: GenerationRequest,
    sent: Sequence[Image.Image] = (INIT, MASK),
    at_once: int = 1,
    on_step: Callable[[GenerationStep], None] | None = None,
) -> Drawn:
    """Draw requests together. `sent` are the pictures that they may name."""
    MODELS.put(model, requests[0].model_id)
    steps: list[GenerationStep] = []

    def note(step: GenerationStep) -> None:
        steps.append(step)
        if on_step is not None:
            on_step(step)

    drawn = generator.draw(
        DrawingBatch(
            requests=requests,
            at_once=at_once,
            pictures={ref_of(each).id: _file(each) for each in sent},
        ),
        CallbackWatcher(on_step=note),
    )
    rasters = [image.raster for of_it in drawn.requests for image in of_it.images]
    return Drawn(
        [
            np.frombuffer(each.pixels, np.uint8).reshape(each.height, each.width, 3).astype(int)
            for each in rasters
        ],
        [of_it.warnings for of_it in drawn.requests],
        steps,
    )
