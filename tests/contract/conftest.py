"""One generator for all contract tests that draw, because importing torch once is enough."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from domain.generation.request import GenerationRequest
from domain.models.record import ModelRecord
from tests.paths import DEMO_CHECKPOINT

if TYPE_CHECKING:
    from adapters.diffusion.image_generator import DiffusersImageGenerator

DEMO_MODEL = ModelRecord(
    id="de" * 32,
    name=DEMO_CHECKPOINT.name,
    size=16_000_000,
    path=str(DEMO_CHECKPOINT),
    extension=".safetensors",
)


@pytest.fixture(scope="session")
def float32_generator() -> "DiffusersImageGenerator":
    """A generator that draws up to four images at once, with the highest precision."""
    from adapters.diffusion.image_generator import DiffusersImageGenerator

    generator = DiffusersImageGenerator(device="cpu", dtype="float32", max_batch=4)
    generator.prepare()
    return generator


@pytest.fixture
def request_for() -> Callable[..., GenerationRequest]:
    """Return a function that makes small requests, which two CPU cores draw in half a second."""

    def make(**changes: object) -> GenerationRequest:
        values: dict[str, object] = {
            "id": "r1",
            "model_id": DEMO_MODEL.id,
            "prompt": "a red circle",
            "num_inference_steps": 2,
            "width": 256,
            "height": 256,
            "seed": 7,
        }
        return GenerationRequest(**(values | changes))  # type: ignore[arg-type]

    return make
