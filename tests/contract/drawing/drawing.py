"""Drawings with the demo checkpoint in float32, and how similar pictures must be."""

import io

import numpy as np
from PIL import Image

from domain.generation.request import GenerationRequest
from tests.contract.conftest import DEMO_MODEL

__all__ = ["LEVELS", "demo_request", "pixels"]

LEVELS = 2
"""Allowed difference of a picture, of 255: a larger product sums in another order."""


def demo_request(name: str = "r", **changes: object) -> GenerationRequest:
    """Return a request for a small picture in four steps, changed by `changes`."""
    values: dict[str, object] = {
        "id": name,
        "model_id": DEMO_MODEL.id,
        "prompt": "a red circle on a white background",
        "width": 256,
        "height": 256,
        "num_inference_steps": 4,
        "seed": 3,
    }
    return GenerationRequest(**(values | changes))  # type: ignore[arg-type]


def pixels(data: bytes) -> np.ndarray:
    """(height, width, 3), signed, so that differences may be negative."""
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)
