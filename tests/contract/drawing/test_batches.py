"""Images that are drawn together, and their previews."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from adapters.diffusion.image_generator import DiffusersImageGenerator
from domain.ports.image_generator import GenerationStep
from tests.contract.conftest import DEMO_MODEL
from tests.contract.drawing.drawing import LEVELS, demo_request, pixels

pytestmark = pytest.mark.torch

REQUESTS = (
    demo_request("a"),
    demo_request("long", prompt="a blue star, " + "very " * 100 + "large", seed=50),
    demo_request("b", prompt="a lake at night", negative_prompt="trees", seed=7, num_images=2),
)


def test_the_default_batch_of_a_cpu_is_one(float32_generator: DiffusersImageGenerator) -> None:
    assert float32_generator.largest_batch == 4
    automatic = DiffusersImageGenerator(device="cpu")
    assert automatic.largest_batch == 1
    automatic.prepare()
    assert automatic.largest_batch == 1


def test_a_picture_alone_and_in_a_batch_differs_by_rounding_at_most(
    float32_generator: DiffusersImageGenerator,
) -> None:
    together = float32_generator.generate(DEMO_MODEL, REQUESTS, at_once=4)
    for wanted, images in zip(REQUESTS, together.images, strict=True):
        alone = float32_generator.generate(DEMO_MODEL, [wanted], at_once=1).images[0]
        assert [image.seed for image in images] == list(wanted.seeds)
        for one, other in zip(images, alone, strict=True):
            assert np.abs(pixels(one.data) - pixels(other.data)).max() <= LEVELS


def test_prompts_of_equal_length_share_a_call_and_others_do_not(
    float32_generator: DiffusersImageGenerator,
) -> None:
    seen: list[tuple[int, int]] = []
    float32_generator.generate(
        DEMO_MODEL, REQUESTS, at_once=4, on_step=lambda step: seen.append((step.done, step.total))
    )
    assert seen == [(number, 8) for number in range(1, 9)]


def test_a_preview_has_the_colours_of_the_picture(
    float32_generator: DiffusersImageGenerator,
) -> None:
    looks: list[bytes] = []
    batch = float32_generator.generate(
        DEMO_MODEL,
        [demo_request(num_inference_steps=12)],
        on_step=lambda step: looks.append(step.preview(0) or b""),
    )
    (final,) = batch.images[0]
    small = [
        np.asarray(
            Image.open(io.BytesIO(data)).convert("RGB").resize((16, 16), Image.Resampling.BOX)
        )
        for data in (looks[-2], final.data)
    ]
    off = np.abs(small[0].astype(int) - small[1].astype(int)).mean(axis=(0, 1))
    assert off.max() < 15  # of 255, in the worst of red, green and blue


def test_a_preview_shows_the_current_picture(float32_generator: DiffusersImageGenerator) -> None:
    looks: list[bytes] = []

    def look(step: GenerationStep) -> None:
        preview = step.preview(0)
        assert preview is not None
        assert step.preview(1) is None
        looks.append(preview)

    wanted = demo_request("a", num_inference_steps=12, width=320)
    (final,) = float32_generator.generate(DEMO_MODEL, [wanted], on_step=look).images[0]
    picture = Image.open(io.BytesIO(looks[-1]))
    assert (picture.format, picture.size) == ("JPEG", (224, 179))
    small = Image.open(io.BytesIO(final.data)).convert("RGB").resize(picture.size)
    differences = [
        np.abs(pixels(each) - np.asarray(small).astype(int)).mean()
        for each in (looks[0], looks[-1])
    ]
    assert differences[-1] < 40
    assert differences[-1] < differences[0]


def test_each_request_of_a_batch_has_its_own_preview(
    float32_generator: DiffusersImageGenerator,
) -> None:
    looks: list[list[bytes | None]] = []
    wanted = (demo_request("a"), demo_request("b", prompt="a blue star on a black background"))
    float32_generator.generate(
        DEMO_MODEL,
        wanted,
        at_once=4,
        on_step=lambda step: looks.append([step.preview(number) for number in (0, 1)]),
    )
    first, second = looks[-1]
    assert first
    assert second
    assert first != second


def test_equal_requests_of_two_callers_have_a_preview_each(
    float32_generator: DiffusersImageGenerator,
) -> None:
    looks: list[list[bytes | None]] = []
    float32_generator.generate(
        DEMO_MODEL,
        (demo_request("a"), demo_request("a")),
        at_once=4,
        on_step=lambda step: looks.append([step.preview(number) for number in (0, 1)]),
    )
    first, second = looks[-1]
    assert first
    assert first == second


@pytest.mark.parametrize(("guidance", "halves"), [(1.0, 1), (1.1, 2)])
def test_both_halves_of_the_guidance_are_one_batch_and_no_guidance_needs_one_half(
    float32_generator: DiffusersImageGenerator, guidance: float, halves: int
) -> None:
    engine: Any = float32_generator._engine
    unet = engine._pipelines.get(DEMO_MODEL).unet
    seen: list[int] = []
    hook = unet.register_forward_pre_hook(lambda _module, given: seen.append(len(given[0])))
    try:
        wanted = demo_request("a", guidance_scale=guidance, num_inference_steps=2, num_images=2)
        float32_generator.generate(DEMO_MODEL, [wanted], at_once=2)
    finally:
        hook.remove()
    assert seen == [2 * halves] * 2
