"""Pictures of the demo checkpoint, with each scheduler."""

import io

import numpy as np
import pytest
from PIL import Image

from adapters.diffusion.image_generator import DiffusersImageGenerator
from domain.generation.output_formats import OutputFormat
from domain.generation.request import GenerationRequest
from domain.ports.image_generator import GenerationStep
from domain.samplers import Scheduler
from tests.contract.conftest import DEMO_MODEL
from tests.contract.drawing.drawing import LEVELS, demo_request, pixels
from tests.contract.samplers.known_networks import PLAIN
from tools.demo_checkpoint.judging.judge import judge_shape

pytestmark = pytest.mark.torch


def draw(float32_generator: DiffusersImageGenerator, wanted: GenerationRequest) -> bytes:
    return float32_generator.generate(DEMO_MODEL, [wanted]).images[0][0].data


def picture(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


@pytest.mark.parametrize("scheduler", [*PLAIN, Scheduler.DPMPP_2M_KARRAS, Scheduler.HEUN_BETA])
def test_a_picture_is_the_same_alone_and_in_a_batch(
    float32_generator: DiffusersImageGenerator, scheduler: Scheduler
) -> None:
    requests = (
        demo_request("a", scheduler=scheduler),
        demo_request("b", scheduler=scheduler, prompt="a blue star", seed=9, num_images=2),
    )
    together = float32_generator.generate(DEMO_MODEL, requests, at_once=4)
    for wanted, images in zip(requests, together.images, strict=True):
        for image in images:
            alone = demo_request(scheduler=scheduler, prompt=wanted.prompt, seed=image.seed)
            assert (
                np.abs(pixels(draw(float32_generator, alone)) - pixels(image.data)).max() <= LEVELS
            )


def test_pictures_of_a_batch_have_separate_noise_at_each_step(
    float32_generator: DiffusersImageGenerator,
) -> None:
    """With one float32_generator for all, the second picture would depend on the first."""
    for scheduler in (Scheduler.EULER_A, Scheduler.LCM):
        pair = float32_generator.generate(
            DEMO_MODEL, [demo_request(scheduler=scheduler, num_images=2)], at_once=2
        ).images[0]
        alone = draw(float32_generator, demo_request(scheduler=scheduler, seed=4))
        assert np.abs(pixels(pair[1].data) - pixels(alone)).max() <= LEVELS


@pytest.mark.parametrize("scheduler", [*PLAIN, Scheduler.DPMPP_2M_KARRAS])
def test_twenty_steps_draw_the_prompt_and_name_the_sampler(
    float32_generator: DiffusersImageGenerator, scheduler: Scheduler
) -> None:
    seen: list[tuple[int, int]] = []
    looks: list[bytes] = []

    def look(step: GenerationStep) -> None:
        seen.append((step.done, step.total))
        looks.append(step.preview(0) or b"")

    wanted = demo_request(scheduler=scheduler, num_inference_steps=20)
    ((image,),) = float32_generator.generate(DEMO_MODEL, [wanted], on_step=look).images
    shown = picture(image.data)
    verdict = judge_shape(shown, colour="red", shape="circle", background="white")
    assert (verdict.colour, verdict.background) == (True, True)
    assert f"Steps: 20, Sampler: {scheduler}, " in shown.info["parameters"]
    assert seen == [(number, 20) for number in range(1, 21)]
    small = np.asarray(shown.convert("RGB").resize(picture(looks[-1]).size)).astype(int)
    assert np.abs(pixels(looks[-1]) - small).mean() < 40


@pytest.mark.parametrize(
    ("scheduler", "steps"),
    [
        *((name, 20) for name in (Scheduler.LMS, Scheduler.PLMS, Scheduler.DPMPP_3M_SDE)),
        *((name, 20) for name in (Scheduler.DPM2_A_BETA, Scheduler.DPMPP_2M_SDE_BETA)),
        (Scheduler.PLMS, 8),
        *((name, 8) for name in (Scheduler.DPMPP_3M_SDE_EXPONENTIAL, Scheduler.DPM2_BETA)),
        (Scheduler.DPM2_A, 4),
    ],
)
def test_long_steps_keep_the_colours(
    float32_generator: DiffusersImageGenerator, scheduler: Scheduler, steps: int
) -> None:
    """A method of high order oscillates there, and the picture is burnt."""
    wanted = demo_request(
        scheduler=scheduler,
        num_inference_steps=steps,
        prompt="a red triangle on a pink background" if steps == 20 else "red circle on white",
    )
    shape, background = ("triangle", "pink") if steps == 20 else ("circle", "white")
    shown = picture(draw(float32_generator, wanted))
    verdict = judge_shape(shown, colour="red", shape=shape, background=background)
    assert (verdict.colour, verdict.background) == (True, True)


def test_each_scheduler_draws_its_own_picture_and_does_not_affect_the_next(
    float32_generator: DiffusersImageGenerator,
) -> None:
    def with_(name: Scheduler | None) -> bytes:
        # With fewer steps some fall back to another order, and draw the same as it.
        return draw(float32_generator, demo_request(scheduler=name, num_inference_steps=12))

    before = with_(None)
    drawn = {name: with_(name) for name in PLAIN}
    assert len({pixels(data).tobytes() for data in drawn.values()}) == len(PLAIN)
    assert drawn[Scheduler.DPMPP_2M] == before
    assert with_(None) == before
    for name in (Scheduler.EULER_A, Scheduler.PLMS, Scheduler.DPMPP_SDE):
        assert with_(name) == drawn[name]


@pytest.mark.parametrize("output_format", [OutputFormat.JPEG, OutputFormat.WEBP])
def test_a_format_changes_the_file_and_not_the_picture(
    float32_generator: DiffusersImageGenerator, output_format: OutputFormat
) -> None:
    png, other = demo_request("a"), demo_request("b", output_format=output_format, quality=95)
    ((one,), (two,)) = float32_generator.generate(DEMO_MODEL, [png, other], at_once=2).images
    assert (one.output_format, two.output_format) == (OutputFormat.PNG, output_format)
    found = picture(two.data)
    assert (found.format, found.size) == (output_format.upper(), (256, 256))
    assert np.abs(pixels(one.data) - pixels(two.data)).mean() < 3
    comment = found.getexif().get_ifd(0x8769)[0x9286].removeprefix(b"UNICODE\0")
    assert comment.decode("utf-16-be") == picture(one.data).info["parameters"]


def test_no_format_contains_parameters_if_they_are_off() -> None:
    float32_generator = DiffusersImageGenerator(device="cpu", embed_metadata=False)
    for output_format in OutputFormat:
        found = picture(draw(float32_generator, demo_request(output_format=output_format)))
        assert (dict(found.getexif()), "parameters" in found.info) == ({}, False)
