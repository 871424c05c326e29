"""A second pass: drawn, enlarged, and drawn again."""

from typing import Any

import numpy as np
import pytest
from PIL import Image

from adapters.diffusion.image_generator import DiffusersImageGenerator
from domain.errors import GenerationFailed
from domain.generation.parts import SecondPass
from domain.samplers import Scheduler
from tests.contract.drawing.drawing import LEVELS, demo_request
from tests.contract.from_pictures.drawing import Files, draw, levels, one_by_one, scene

pytestmark = pytest.mark.torch


def passed(generator: DiffusersImageGenerator, **fields: Any) -> np.ndarray:
    second = {
        name: fields.pop(name)
        for name in ("scale", "strength", "upscaler", "num_inference_steps")
        if name in fields
    }
    wanted = demo_request(second_pass=SecondPass(**second), **fields)
    (found,) = one_by_one(draw(generator, [wanted], Files()))
    return found


@pytest.mark.parametrize("upscaler", ["latent", "lanczos"])
@pytest.mark.parametrize(
    ("width", "height", "scale", "size"),
    [(256, 256, 1.0, (256, 256)), (301, 259, 1.3, (391, 337)), (256, 264, 1.25, (320, 330))],
)
def test_the_result_is_the_size_times_the_scale(
    float32_generator: DiffusersImageGenerator,
    upscaler: str,
    width: int,
    height: int,
    scale: float,
    size: tuple[int, int],
) -> None:
    found = passed(
        float32_generator,
        width=width,
        height=height,
        scale=scale,
        upscaler=upscaler,
        num_inference_steps=2,
    )
    assert found.shape == (size[1], size[0], 3)


def test_without_strength_the_pass_only_enlarges(
    float32_generator: DiffusersImageGenerator,
) -> None:
    (small,) = one_by_one(draw(float32_generator, [demo_request()], Files()))
    picture = Image.fromarray(small.astype(np.uint8))
    expected = levels(picture.resize((384, 384), Image.Resampling.LANCZOS))
    found = passed(float32_generator, scale=1.5, strength=0.0, upscaler="lanczos")
    assert np.abs(found - expected).mean() < 12  # through the autoencoder


def test_progress_and_previews_count_both_passes(
    float32_generator: DiffusersImageGenerator,
) -> None:
    steps, looks = [], list[bytes]()
    wanted = demo_request(
        num_images=2,
        scheduler=Scheduler.HEUN,
        num_inference_steps=3,
        second_pass=SecondPass(scale=1.25, strength=0.5, num_inference_steps=4),
    )
    assert wanted.steps == 5
    draw(
        float32_generator,
        [wanted],
        Files(),
        on_step=lambda step: steps.append((step.done, step.total)),
        on_preview=lambda _number, jpeg: looks.append(jpeg),
    )
    assert steps == [(number, 10) for number in range(1, 11)]
    assert len(looks) == 10


def test_a_picture_alone_and_in_a_batch_is_the_same(
    float32_generator: DiffusersImageGenerator,
) -> None:
    second = SecondPass(scale=1.25, strength=0.5)
    requests = [
        demo_request("a", second_pass=second, scheduler=Scheduler.EULER_A),
        demo_request("b", second_pass=second, scheduler=Scheduler.EULER_A, seed=9, num_images=2),
    ]
    together = one_by_one(draw(float32_generator, requests, Files(), at_once=4))
    alone = [
        one_by_one(
            draw(
                float32_generator,
                [demo_request(second_pass=second, scheduler=Scheduler.EULER_A, seed=seed)],
                Files(),
            )
        )[0]
        for seed in (3, 9, 10)
    ]
    for one, other in zip(together, alone, strict=True):
        assert np.abs(one - other).max() <= LEVELS


def test_a_drawing_from_a_picture_may_have_one_too(
    float32_generator: DiffusersImageGenerator,
) -> None:
    files, init = Files(), scene()
    wanted = demo_request(
        source=files.source(init, strength=0.0),
        second_pass=SecondPass(scale=1.5, strength=0.0, upscaler="lanczos"),
    )
    (found,) = one_by_one(draw(float32_generator, [wanted], files))
    expected = init.resize((384, 384), Image.Resampling.LANCZOS)
    assert np.abs(found - levels(expected)).mean() < 15


def test_plms_is_refused_before_the_first_pass(
    float32_generator: DiffusersImageGenerator,
) -> None:
    steps: list[object] = []
    wanted = demo_request(second_pass=SecondPass(), scheduler=Scheduler.PLMS)
    with pytest.raises(GenerationFailed, match="PLMS"):
        draw(float32_generator, [wanted], Files(), on_step=steps.append)
    assert not steps
