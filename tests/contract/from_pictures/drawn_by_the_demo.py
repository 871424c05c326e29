"""Draws with the demo checkpoint, from text and from pictures, without a server."""

import io
import itertools
from pathlib import Path
from typing import Any

from PIL import Image

from application.pictures import HeldPictures
from application.settings.settings import Settings
from container import Container
from domain.generation.request import GenerationRequest
from domain.pictures import PictureRef
from tests.paths import DEMO_CHECKPOINT

__all__ = ["Demo"]


class Demo:
    """The demo checkpoint and the pictures of one caller.

    Args:
        data: A folder for what the service keeps.
    """

    def __init__(self, data: Path) -> None:
        container = Container(
            settings=Settings(
                api_keys=("k" * 32,), model_dirs=(str(DEMO_CHECKPOINT.parent),), data_dir=str(data)
            )
        )
        self._held = HeldPictures(container.picture_codec())
        container.pictures.override(self._held)
        self._registry = container.model_registry()
        self._registry.refresh()
        self._draw = container.generate_images()
        self._numbers = itertools.count()

    def model(self, name: str) -> str:
        """Return the id of a model in the demo's folder."""
        return self._registry.resolve(name).id

    def draw(self, prompt: str, side: int, **more: Any) -> Image.Image:
        """Return a square picture after 20 steps."""
        request = GenerationRequest(
            id=f"picture-{next(self._numbers)}",
            model_id=self.model(DEMO_CHECKPOINT.name),
            prompt=prompt,
            width=side,
            height=side,
            **{"num_inference_steps": 20, "seed": 4, **more},
        )
        (image,) = self._draw(request).images
        return Image.open(io.BytesIO(image.data)).convert("RGB")

    def send(self, picture: Image.Image) -> PictureRef:
        """Keep a picture, and return what a request names it by."""
        stream = io.BytesIO()
        picture.save(stream, "PNG")
        return self._held.keep("me", stream.getvalue()).ref

    def close(self) -> None:
        """End the work in the background."""
        self._registry.close()
