"""Pictures of the demo checkpoint, with each scheduler."""

import io

import numpy as np
import pytest
from PIL import Image

from adapters.diffusion.image_generator import DiffusersImageGenerator
from domain.generation import GenerationRequest
from domain.output_formats import OutputFormat
from domain.ports.image_generator import GenerationStep
from domain.schedulers import Scheduler
from tests.contract.conftest import DEMO_MODEL
from tools.demo_checkpoint.judge import judge_shape

pytestmark = pytest.mark.torch

LEVELS = 2
"""By which a picture may differ, of 255: rounding adds up differently in a larger product."""


@pytest.fixture(scope="module")
def generator() -> DiffusersImageGenerator:
    generator = DiffusersImageGenerator(device="cpu", dtype="float32", max_batch=4)
    generator.prepare()
    return generator


def request(name: str = "r", **changes: object) -> GenerationRequest:
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


def draw(generator: DiffusersImageGenerator, wanted: GenerationRequest) -> bytes:
    return generator.generate(DEMO_MODEL, [wanted]).images[0][0].data


def picture(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(picture(data).convert("RGB")).astype(int)


@pytest.mark.parametrize("scheduler", Scheduler)
def test_a_picture_is_the_same_alone_and_in_a_batch(
    generator: DiffusersImageGenerator, scheduler: Scheduler
) -> None:
    requests = (
        request("a", scheduler=scheduler),
        request("b", scheduler=scheduler, prompt="a blue star", seed=9, num_images=2),
    )
    together = generator.generate(DEMO_MODEL, requests, at_once=4)
    for wanted, images in zip(requests, together.images, strict=True):
        for image in images:
            alone = request(scheduler=scheduler, prompt=wanted.prompt, seed=image.seed)
            assert np.abs(pixels(draw(generator, alone)) - pixels(image.data)).max() <= LEVELS


def test_neighbours_have_noise_of_their_own_at_each_step(
    generator: DiffusersImageGenerator,
) -> None:
    """With a generator for all, the second picture would depend on there being a first."""
    for scheduler in (Scheduler.EULER_A, Scheduler.LCM):
        pair = generator.generate(
            DEMO_MODEL, [request(scheduler=scheduler, num_images=2)], at_once=2
        ).images[0]
        alone = draw(generator, request(scheduler=scheduler, seed=4))
        assert np.abs(pixels(pair[1].data) - pixels(alone)).max() <= LEVELS


@pytest.mark.parametrize("scheduler", Scheduler)
def test_twenty_steps_draw_what_the_prompt_says_and_tell_how(
    generator: DiffusersImageGenerator, scheduler: Scheduler
) -> None:
    seen: list[tuple[int, int]] = []
    looks: list[bytes] = []

    def look(step: GenerationStep) -> None:
        seen.append((step.done, step.total))
        looks.append(step.preview(0) or b"")

    wanted = request(scheduler=scheduler, num_inference_steps=20)
    ((image,),) = generator.generate(DEMO_MODEL, [wanted], on_step=look).images
    shown = picture(image.data)
    verdict = judge_shape(shown, colour="red", shape="circle", background="white")
    assert (verdict.colour, verdict.background) == (True, True)
    assert f"Steps: 20, Sampler: {scheduler}, " in shown.info["parameters"]
    assert seen == [(number, 20) for number in range(1, 21)]
    small = np.asarray(shown.convert("RGB").resize(picture(looks[-1]).size)).astype(int)
    assert np.abs(pixels(looks[-1]) - small).mean() < 40


def test_each_draws_a_picture_of_its_own_and_leaves_the_next_alone(
    generator: DiffusersImageGenerator,
) -> None:
    before = draw(generator, request())
    drawn = {name: draw(generator, request(scheduler=name)) for name in Scheduler}
    assert len({pixels(data).tobytes() for data in drawn.values()}) == len(Scheduler)
    assert drawn[Scheduler.DPMPP_2M] == before
    assert draw(generator, request()) == before
    assert {name: draw(generator, request(scheduler=name)) for name in Scheduler} == drawn


@pytest.mark.parametrize("output_format", [OutputFormat.JPEG, OutputFormat.WEBP])
def test_a_format_changes_the_file_and_not_the_picture(
    generator: DiffusersImageGenerator, output_format: OutputFormat
) -> None:
    png, other = request("a"), request("b", output_format=output_format, quality=95)
    ((one,), (two,)) = generator.generate(DEMO_MODEL, [png, other], at_once=2).images
    assert (one.output_format, two.output_format) == (OutputFormat.PNG, output_format)
    found = picture(two.data)
    assert (found.format, found.size) == (output_format.upper(), (256, 256))
    assert np.abs(pixels(one.data) - pixels(two.data)).mean() < 3
    comment = found.getexif().get_ifd(0x8769)[0x9286].removeprefix(b"UNICODE\0")
    assert comment.decode("utf-16-be") == picture(one.data).info["parameters"]


def test_no_format_carries_parameters_where_that_is_off() -> None:
    generator = DiffusersImageGenerator(device="cpu", embed_metadata=False)
    for output_format in OutputFormat:
        found = picture(draw(generator, request(output_format=output_format)))
        assert (dict(found.getexif()), "parameters" in found.info) == ({}, False)
