"""One generator for all contract tests that draw: importing torch once is enough."""

from collections.abc import Callable

import pytest

from domain.generation import GenerationRequest
from domain.models import ModelRecord
from tests.paths import DEMO_CHECKPOINT

DEMO_MODEL = ModelRecord(
    id="de" * 32,
    name=DEMO_CHECKPOINT.name,
    size=16_000_000,
    path=str(DEMO_CHECKPOINT),
    extension=".safetensors",
)


@pytest.fixture
def request_for() -> Callable[..., GenerationRequest]:
    """Makes small requests that two CPU cores draw in half a second."""

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
