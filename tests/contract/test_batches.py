"""Images that are drawn together, and looks at them on the way."""

import io

import numpy as np
import pytest
from PIL import Image

from adapters.diffusion.image_generator import DiffusersImageGenerator
from domain.generation import GenerationRequest
from domain.ports.image_generator import GenerationStep
from tests.contract.conftest import DEMO_MODEL

pytestmark = pytest.mark.torch

LEVELS = 2
"""By which a picture may differ, of 255: rounding adds up differently in a larger product."""


@pytest.fixture(scope="module")
def generator() -> DiffusersImageGenerator:
    generator = DiffusersImageGenerator(device="cpu", dtype="float32", max_batch=4)
    generator.prepare()
    return generator


def request(name: str, **changes: object) -> GenerationRequest:
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


REQUESTS = (
    request("a"),
    request("long", prompt="a blue star, " + "very " * 100 + "large", seed=50),
    request("b", prompt="a lake at night", negative_prompt="trees", seed=7, num_images=2),
)


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)


def test_the_automatic_batch_of_a_cpu_is_one(generator: DiffusersImageGenerator) -> None:
    assert generator.largest_batch == 4
    automatic = DiffusersImageGenerator(device="cpu")
    assert automatic.largest_batch == 1
    automatic.prepare()
    assert automatic.largest_batch == 1


def test_a_picture_alone_and_in_a_batch_differs_by_rounding_at_most(
    generator: DiffusersImageGenerator,
) -> None:
    together = generator.generate(DEMO_MODEL, REQUESTS, at_once=4)
    for wanted, images in zip(REQUESTS, together.images, strict=True):
        alone = generator.generate(DEMO_MODEL, [wanted], at_once=1).images[0]
        assert [image.seed for image in images] == list(wanted.seeds)
        for one, other in zip(images, alone, strict=True):
            assert np.abs(pixels(one.data) - pixels(other.data)).max() <= LEVELS


def test_equally_long_prompts_share_a_call_and_others_do_not(
    generator: DiffusersImageGenerator,
) -> None:
    seen: list[tuple[int, int]] = []
    generator.generate(
        DEMO_MODEL, REQUESTS, at_once=4, on_step=lambda step: seen.append((step.done, step.total))
    )
    assert seen == [(number, 8) for number in range(1, 9)]


def test_a_preview_shows_what_is_being_drawn(generator: DiffusersImageGenerator) -> None:
    looks: list[bytes] = []

    def look(step: GenerationStep) -> None:
        preview = step.preview(0)
        assert preview is not None
        assert step.preview(1) is None
        looks.append(preview)

    wanted = request("a", num_inference_steps=12, width=320)
    (final,) = generator.generate(DEMO_MODEL, [wanted], on_step=look).images[0]
    picture = Image.open(io.BytesIO(looks[-1]))
    assert (picture.format, picture.size) == ("JPEG", (224, 179))
    small = Image.open(io.BytesIO(final.data)).convert("RGB").resize(picture.size)
    differences = [
        np.abs(pixels(each) - np.asarray(small).astype(int)).mean()
        for each in (looks[0], looks[-1])
    ]
    assert differences[-1] < 40
    assert differences[-1] < differences[0]


def test_each_request_of_a_batch_has_its_own_look(generator: DiffusersImageGenerator) -> None:
    looks: list[list[bytes | None]] = []
    wanted = (request("a"), request("b", prompt="a blue star on a black background"))
    generator.generate(
        DEMO_MODEL,
        wanted,
        at_once=4,
        on_step=lambda step: looks.append([step.preview(number) for number in (0, 1)]),
    )
    first, second = looks[-1]
    assert first
    assert second
    assert first != second
