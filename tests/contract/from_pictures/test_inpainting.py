"""Inpainting with an ordinary checkpoint: nothing outside the mask and its blur changes."""

from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFilter

from adapters.diffusion.image_generator import DiffusersImageGenerator
from domain.generation.parts import MaskContent, SecondPass
from domain.samplers import Scheduler
from domain.services.drawing_watchers import GenerationStep
from tests.contract.drawing.drawing import demo_request
from tests.contract.from_pictures.drawing import Files, circle, draw, levels, one_by_one, scene

pytestmark = pytest.mark.torch

PROMPT = "a red square on a white background"


def painted(
    generator: DiffusersImageGenerator,
    mask: Image.Image,
    init: Image.Image | None = None,
    **fields: Any,
) -> np.ndarray:
    """Draw three of four steps, and return the pixels of the result."""
    files = Files()
    of_request = {
        name: fields.pop(name)
        for name in ("width", "height", "scheduler", "second_pass", "num_inference_steps")
        if name in fields
    }
    source = files.source(init or scene(), mask, **{"strength": 0.8, **fields})
    wanted = demo_request(prompt=PROMPT, source=source, **of_request)
    (found,) = one_by_one(draw(generator, [wanted], files))
    return found


def outside(mask: Image.Image, blur: int) -> np.ndarray:
    """Where neither the mask nor its blur is."""
    blurred = mask.filter(ImageFilter.GaussianBlur(blur)) if blur else mask
    return (np.asarray(blurred) == 0) & (np.asarray(mask) == 0)


@pytest.mark.parametrize("area", ["whole", "masked"])
@pytest.mark.parametrize("blur", [0, 4, 20])
def test_outside_every_pixel_is_that_of_the_picture(
    float32_generator: DiffusersImageGenerator, area: str, blur: int
) -> None:
    init, mask = scene(), circle()
    found = painted(float32_generator, mask, mask_blur=blur, inpaint_area=area, inpaint_padding=8)
    kept = outside(mask, blur)
    assert kept.mean() > 0.4
    assert np.array_equal(found[kept], levels(init)[kept])
    assert np.abs(found - levels(init))[np.asarray(mask) > 0].mean() > 5


@pytest.mark.parametrize("area", ["whole", "masked"])
def test_sizes_that_are_no_multiples_of_8_keep_every_pixel_too(
    float32_generator: DiffusersImageGenerator, area: str
) -> None:
    init, mask = scene(301, 259), circle(301, 259)
    found = painted(
        float32_generator, mask, init, width=301, height=259, mask_blur=4, inpaint_area=area
    )
    kept = outside(mask, 4)
    assert np.array_equal(found[kept], levels(init)[kept])


@pytest.mark.parametrize("blur", [0, 4])
def test_in_place_the_picture_keeps_its_own_size_and_every_pixel_outside(
    float32_generator: DiffusersImageGenerator, blur: int
) -> None:
    init, mask = scene(500, 380), circle(500, 380)
    found = painted(float32_generator, mask, init, inpaint_area="in_place", mask_blur=blur)
    assert found.shape[:2] == (380, 500)
    kept = outside(mask, blur)
    assert np.array_equal(found[kept], levels(init)[kept])
    assert np.abs(found - levels(init))[np.asarray(mask) > 0].mean() > 5


@pytest.mark.parametrize("size", [(256, 256), (301, 259)])
def test_in_place_is_masked_if_the_picture_has_the_size_of_the_request(
    float32_generator: DiffusersImageGenerator, size: tuple[int, int]
) -> None:
    init, mask = scene(*size), circle(*size)
    sides = {"width": size[0], "height": size[1]}
    one, other = (
        painted(float32_generator, mask, init, inpaint_area=area, **sides)
        for area in ("in_place", "masked")
    )
    assert np.array_equal(one, other)


@pytest.mark.parametrize("content", MaskContent)
def test_each_content_draws_something_else_below_the_mask_alone(
    float32_generator: DiffusersImageGenerator, content: MaskContent
) -> None:
    init, mask = scene(), circle()
    found = painted(float32_generator, mask, mask_content=content, mask_blur=0)
    kept = outside(mask, 0)
    assert np.array_equal(found[kept], levels(init)[kept])
    if content is not MaskContent.ORIGINAL:
        other = painted(float32_generator, mask, mask_blur=0)
        assert np.abs(found - other)[~kept].mean() > 1


def test_a_faint_drawing_keeps_the_fill_and_the_original(
    float32_generator: DiffusersImageGenerator,
) -> None:
    """With little strength, what lies below the mask at the start decides the colours."""
    init = scene()
    # A shape of another colour than everything round it.
    mask = Image.new("L", init.size)
    mask.paste(255, (120, 120, 200, 200))
    colours = {
        content: painted(
            float32_generator,
            mask,
            mask_content=content,
            strength=0.05,
            num_inference_steps=20,
            mask_blur=0,
        )[140:180, 140:180].mean(axis=(0, 1))
        for content in ("original", "fill")
    }
    assert colours["original"][0] > colours["original"][1] + 40  # the red rectangle
    assert colours["fill"][0] < colours["original"][0] - 20


def test_grey_mixes_what_is_drawn_and_the_picture(
    float32_generator: DiffusersImageGenerator,
) -> None:
    init = scene()
    drawn = {
        level: painted(float32_generator, circle(level=level), mask_blur=4) for level in (255, 64)
    }
    middle = (slice(110, 140), slice(110, 140))
    change = {level: np.abs(found - levels(init))[middle].mean() for level, found in drawn.items()}
    assert change[64] == pytest.approx(change[255] * 64 / 255, rel=0.1)


def test_a_black_mask_leaves_the_picture_and_says_so(
    float32_generator: DiffusersImageGenerator,
) -> None:
    files, init = Files(), scene()
    for area in ("whole", "masked"):
        source = files.source(init, Image.new("L", init.size), inpaint_area=area)
        batch = draw(float32_generator, [demo_request(source=source)], files)
        (found,) = one_by_one(batch)
        assert np.array_equal(found, levels(init))
        (warning,) = batch.requests[0].warnings
        assert warning.startswith("the mask is black everywhere")


@pytest.mark.parametrize(
    ("size", "mode", "is_warned"),
    [
        ((256, 128), "crop", True),
        ((128, 256), "pad", True),
        ((256, 128), "stretch", False),
        ((64, 64), "crop", False),
    ],
)
def test_a_mask_of_other_proportions_is_told(
    float32_generator: DiffusersImageGenerator, size: tuple[int, int], mode: str, is_warned: bool
) -> None:
    files = Files()
    mask = Image.new("L", size, 255)
    source = files.source(scene(), mask, resize_mode=mode, strength=0.0)
    batch = draw(float32_generator, [demo_request(source=source)], files)
    said = [text for text in batch.requests[0].warnings if "other proportions" in text]
    assert len(said) == is_warned


def test_the_masked_area_is_drawn_at_full_size(
    float32_generator: DiffusersImageGenerator,
) -> None:
    """The previews show what is drawn: the box of a small mask fills them."""
    init = scene()
    mask = Image.new("L", init.size)
    mask.paste(255, (140, 140, 172, 172))  # inside of the red rectangle
    files, looks = Files(), list[bytes]()
    source = files.source(
        init, mask, strength=0.1, inpaint_area="masked", inpaint_padding=4, mask_blur=0
    )
    wanted = demo_request(prompt=PROMPT, source=source, num_inference_steps=10)
    draw(
        float32_generator,
        [wanted],
        files,
        on_preview=lambda _number, jpeg: looks.append(jpeg),
    )
    from tests.contract.drawing.drawing import pixels

    red, green, blue = pixels(looks[-1]).mean(axis=(0, 1))
    assert red > max(green, blue) + 50


@pytest.mark.parametrize(
    "scheduler", [Scheduler.HEUN, Scheduler.DPMPP_SDE, Scheduler.DPM2_A, Scheduler.LCM]
)
def test_every_kind_of_sampler_paints(
    float32_generator: DiffusersImageGenerator, scheduler: Scheduler
) -> None:
    init, mask = scene(), circle()
    found = painted(
        float32_generator, mask, scheduler=scheduler, mask_blur=0, num_inference_steps=8
    )
    kept = outside(mask, 0)
    assert np.array_equal(found[kept], levels(init)[kept])
    seam = np.abs(np.diff(found, axis=1))[120:136, 60:70].mean()
    assert seam < 60


@pytest.mark.parametrize("upscaler", ["latent", "lanczos"])
@pytest.mark.parametrize("area", ["whole", "masked"])
def test_a_second_pass_enlarges_the_picture_and_keeps_it_outside(
    float32_generator: DiffusersImageGenerator, area: str, upscaler: str
) -> None:
    init, mask, steps = scene(), circle(), list[GenerationStep]()
    files = Files()
    source = files.source(
        init, mask, strength=0.5, mask_blur=4, inpaint_area=area, inpaint_padding=16
    )
    wanted = demo_request(
        prompt=PROMPT,
        source=source,
        second_pass=SecondPass(scale=1.5, strength=0.5, upscaler=upscaler),
    )
    batch = draw(float32_generator, [wanted], files, on_step=steps.append)
    (found,) = one_by_one(batch)
    assert [(step.done, step.total) for step in steps] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    large = (384, 384)
    expected = init.resize(large, Image.Resampling.LANCZOS)
    blurred = mask.resize(large, Image.Resampling.LANCZOS).filter(ImageFilter.GaussianBlur(6))
    kept = np.asarray(blurred.filter(ImageFilter.MaxFilter(5))) == 0
    assert np.array_equal(found[kept], levels(expected)[kept])
