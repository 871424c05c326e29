"""The real generator draws from pictures in another process, which gets the batch alone."""

import numpy as np
import pytest

from adapters.diffusion.image_generator import DiffusersImageGenerator
from adapters.pictures.codec import PillowPictureCodec
from domain.generation.parts import SecondPass
from domain.ports.image_generator import ImageGenerator
from tests.contract.conftest import DEMO_MODEL
from tests.contract.drawing.drawing import LEVELS, demo_request
from tests.contract.from_pictures.drawing import Files, circle, draw, one_by_one, scene
from tests.fakes.model_locator import FakeModelLocator
from tests.fakes.remote_generator import RemoteGenerator

pytestmark = pytest.mark.torch


def _generator() -> ImageGenerator:
    models = FakeModelLocator(DEMO_MODEL)
    return DiffusersImageGenerator(models, PillowPictureCodec(), device="cpu", dtype="float32")


def test_it_draws_the_same_picture(float32_generator: DiffusersImageGenerator) -> None:
    files = Files()
    wanted = demo_request(
        num_inference_steps=2,
        source=files.source(scene(), circle(), strength=0.5, inpaint_area="masked"),
        second_pass=SecondPass(scale=1.25, strength=0.5),
    )
    (expected,) = one_by_one(draw(float32_generator, [wanted], files))
    remote = RemoteGenerator(_generator)
    steps: list[tuple[int, int]] = []
    try:
        (found,) = one_by_one(
            draw(
                remote,
                [wanted],
                files,
                on_step=lambda step: steps.append((step.done, step.total)),
            )
        )
    finally:
        remote.close()
    assert np.abs(found - expected).max() <= LEVELS
    assert steps == [(1, 2), (2, 2)]
