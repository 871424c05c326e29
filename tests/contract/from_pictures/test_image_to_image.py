"""Image to image: strength, sizes, batches, progress."""

import dataclasses
from typing import Any

import numpy as np
import pytest
from PIL import Image

from adapters.diffusion.image_generator import DiffusersImageGenerator
from domain.errors import GenerationFailed, UnreadablePicture
from domain.generation.parts import ResizeMode
from domain.samplers import Scheduler
from domain.services.drawing_watchers import GenerationStep
from tests.contract.drawing.drawing import LEVELS, demo_request, pixels
from tests.contract.from_pictures.drawing import Files, draw, levels, one_by_one, scene

pytestmark = pytest.mark.torch

PROMPT = "a lake at night"
THROUGH_AUTOENCODER = 15
"""The most that the demo's autoencoder, which knows other pictures, changes the scene: measured 10.
"""


def test_the_change_grows_with_the_strength(float32_generator: DiffusersImageGenerator) -> None:
    files, init = Files(), scene()
    apart, seen = [], []
    for strength in (0.0, 0.05, 0.4, 1.0):
        steps: list[GenerationStep] = []
        wanted = demo_request(
            prompt=PROMPT, num_inference_steps=8, source=files.source(init, strength=strength)
        )
        (found,) = one_by_one(draw(float32_generator, [wanted], files, on_step=steps.append))
        apart.append(np.abs(found - levels(init)).mean())
        seen.append([(step.done, step.total) for step in steps])
    assert apart == sorted(apart)
    assert apart[0] < THROUGH_AUTOENCODER  # the picture through the autoencoder
    assert apart[-1] > 30
    # One step at least runs, unless the strength is 0.
    assert [len(each) for each in seen] == [0, 1, 3, 8]
    assert seen[2] == [(1, 3), (2, 3), (3, 3)]


def edges(found: np.ndarray) -> float:
    """Return the mean difference of neighbours."""
    return float(np.abs(np.diff(found, axis=0)).mean() + np.abs(np.diff(found, axis=1)).mean())


@pytest.mark.parametrize("strength", [0.6, 1.0])
def test_more_noise_gives_more_detail(
    float32_generator: DiffusersImageGenerator, strength: float
) -> None:
    files, init, found = Files(), scene(), []
    for options in (
        {},
        {"noise_multiplier": 1},
        {"noise_multiplier": 0},
        {"noise_multiplier": 1.5},
    ):
        source = files.source(init, strength=strength, **options)
        wanted = demo_request(prompt=PROMPT, num_inference_steps=4, source=source)
        found += one_by_one(draw(float32_generator, [wanted], files))
    plain, same, none, more = found
    assert np.array_equal(plain, same)
    assert edges(none) < edges(plain) < edges(more)


def test_strength_0_is_the_picture_through_the_autoencoder(
    float32_generator: DiffusersImageGenerator,
) -> None:
    import torch

    files, init = Files(), scene()
    wanted = demo_request(source=files.source(init, strength=0.0))
    (found,) = one_by_one(draw(float32_generator, [wanted], files))
    engine: Any = float32_generator._engine
    (vae,) = (each.vae for each in engine._memories._of)
    given = torch.from_numpy(levels(init) / 127.5 - 1).float().permute(2, 0, 1)[None]
    with torch.inference_mode():
        distribution = vae.encode(given).latent_dist
        sample = distribution.sample(torch.Generator("cpu").manual_seed(3))
        expected = vae.decode(sample).sample[0].permute(1, 2, 0)
    assert np.abs(found - (expected.clamp(-1, 1) + 1).numpy() * 127.5).max() <= LEVELS


@pytest.mark.parametrize("mode", ResizeMode)
@pytest.mark.parametrize("size", [(256, 320), (301, 259)])
def test_the_result_has_exactly_the_requested_size(
    float32_generator: DiffusersImageGenerator, mode: ResizeMode, size: tuple[int, int]
) -> None:
    files, init = Files(), scene(400, 300)
    width, height = size
    wanted = demo_request(
        width=width,
        height=height,
        source=files.source(init, strength=0.0, resize_mode=mode),
    )
    (found,) = one_by_one(draw(float32_generator, [wanted], files))
    assert found.shape == (height, width, 3)
    if mode is ResizeMode.STRETCH:
        expected = init.resize(size, Image.Resampling.LANCZOS)
        assert np.abs(found - levels(expected)).mean() < THROUGH_AUTOENCODER


def test_a_batch_encodes_its_picture_once(float32_generator: DiffusersImageGenerator) -> None:
    files, init = Files(), scene()
    source = files.source(init, strength=0.5)
    requests = [
        demo_request("a", source=source, num_images=2),
        demo_request("b", source=source, prompt="a blue star", seed=9),
    ]
    draw(float32_generator, requests[:1], files)  # it is loaded
    engine: Any = float32_generator._engine
    (vae,) = (each.vae for each in engine._memories._of)
    encoded: list[int] = []
    hook = vae.encoder.register_forward_pre_hook(
        lambda _module, given: encoded.append(len(given[0]))
    )
    try:
        for at_once in (1, 4):
            together = one_by_one(draw(float32_generator, requests, files, at_once=at_once))
            assert encoded == [1]
            encoded.clear()
    finally:
        hook.remove()
    alone = [
        one_by_one(draw(float32_generator, [demo_request(source=source, **each)], files))[0]
        for each in ({"seed": 3}, {"seed": 4}, {"seed": 9, "prompt": "a blue star"})
    ]
    for one, other in zip(together, alone, strict=True):
        assert np.abs(one - other).max() <= LEVELS
    assert np.abs(together[0] - together[1]).mean() > 2


def test_requests_of_a_batch_may_differ_in_what_is_cropped(
    float32_generator: DiffusersImageGenerator,
) -> None:
    files, init = Files(), scene(304, 304)
    source = files.source(init, strength=0.5)
    requests = [
        demo_request(name, source=source, width=side, height=side, num_inference_steps=2)
        for name, side in (("a", 304), ("b", 301))
    ]
    together = one_by_one(draw(float32_generator, requests, files, at_once=4))
    for wanted, found in zip(requests, together, strict=True):
        (alone,) = one_by_one(draw(float32_generator, [wanted], files))
        assert found.shape == (wanted.height, wanted.width, 3)
        assert np.abs(found - alone).max() <= LEVELS


def test_the_next_drawing_from_text_is_the_same_as_before(
    float32_generator: DiffusersImageGenerator,
) -> None:
    files, wanted = Files(), demo_request(scheduler=Scheduler.EULER_A, num_inference_steps=2)
    (before,) = one_by_one(draw(float32_generator, [wanted], files))
    source = files.source(scene(), strength=0.5)
    draw(float32_generator, [dataclasses.replace(wanted, source=source)], files)
    (after,) = one_by_one(draw(float32_generator, [wanted], files))
    assert np.array_equal(before, after)


def test_cancelling_ends_it_and_the_next_one_is_whole(
    float32_generator: DiffusersImageGenerator,
) -> None:
    class Cancelled(Exception):
        pass

    def cancel(step: GenerationStep) -> None:
        if step.done == 2:
            raise Cancelled

    files = Files()
    wanted = demo_request(
        source=files.source(scene(), strength=0.75), scheduler=Scheduler.DPMPP_SDE
    )
    (before,) = one_by_one(draw(float32_generator, [wanted], files))
    with pytest.raises(Cancelled):
        draw(float32_generator, [wanted], files, on_step=cancel)
    (after,) = one_by_one(draw(float32_generator, [wanted], files))
    assert np.array_equal(before, after)


def test_previews_show_the_picture(float32_generator: DiffusersImageGenerator) -> None:
    looks: list[bytes] = []
    files, init = Files(), scene()
    wanted = demo_request(source=files.source(init, strength=0.25), num_inference_steps=12)
    batch = draw(
        float32_generator,
        [wanted],
        files,
        on_preview=lambda _number, jpeg: looks.append(jpeg),
    )
    assert len(looks) == 3
    shown, (found,) = pixels(looks[-1]), one_by_one(batch)
    size = (shown.shape[1], shown.shape[0])
    small = Image.fromarray(found.astype(np.uint8)).resize(size)
    assert np.abs(shown - levels(small)).mean() < 40


def test_plms_is_refused_before_anything_is_drawn(
    float32_generator: DiffusersImageGenerator,
) -> None:
    files, steps = Files(), list[GenerationStep]()
    wanted = demo_request(
        source=files.source(scene(), strength=0.5), scheduler=Scheduler.PLMS, num_inference_steps=4
    )
    with pytest.raises(GenerationFailed, match="PLMS"):
        draw(float32_generator, [wanted], files, on_step=steps.append)
    assert not steps


def test_a_missing_or_broken_picture_is_an_error_of_its_own(
    float32_generator: DiffusersImageGenerator,
) -> None:
    files = Files()
    wanted = demo_request(source=files.source(scene()))
    with pytest.raises(GenerationFailed, match="does not have the bytes of the picture"):
        draw(float32_generator, [wanted], Files())
    files.of_batch[wanted.pictures[0].id] = b"not a picture"
    with pytest.raises(UnreadablePicture):
        draw(float32_generator, [wanted], files)
