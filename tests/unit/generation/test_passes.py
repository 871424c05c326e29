"""The steps that a request runs, and the sizes that it draws."""

import random
from typing import Any

import pytest

from domain.errors import InvalidRequest
from domain.generation.parts import InpaintArea, SecondPass, SourceImage, Upscale
from domain.generation.passes import steps_run
from domain.generation.request import GenerationRequest
from domain.pictures import PictureRef
from domain.sizes import Size, SizeLimits
from tests.unit.generation.test_parts import PICTURE

SMALL = SizeLimits(256, 1024, 1024**2)
LARGE = SizeLimits(256, 2048, 2_097_152)
LIMITS = [SMALL, LARGE, SizeLimits(256, 2048, 65_536), SizeLimits(256, 1024, 600_000)]


def request(strength: float | None = None, **changes: Any) -> GenerationRequest:
    source = None if strength is None else SourceImage(init_image=PICTURE, strength=strength)
    values = {"id": "r", "model_id": "a" * 64, "prompt": "x", "source": source}
    return GenerationRequest(**{**values, **changes})


@pytest.mark.parametrize(
    ("steps", "strength", "run"),
    [
        *((30, 0.75, 22), (30, 0.5, 15), (30, 0.6, 18), (30, 1.0, 30), (30, 0.0, 0)),
        *((30, 0.001, 1), (1, 0.5, 1), (1, 1.0, 1), (1, 0.0, 0), (150, 0.999, 149)),
        # The product is a little less than 29, and diffusers cuts it.
        (100, 0.29, 28),
    ],
)
def test_the_steps_that_run_are_those_of_diffusers(steps: int, strength: float, run: int) -> None:
    assert steps_run(steps, strength) == run
    assert request(strength, num_inference_steps=steps).steps == run


def test_more_strength_never_runs_fewer_steps() -> None:
    for steps in range(1, 151):
        runs = [steps_run(steps, number / 100) for number in range(101)]
        assert runs == sorted(runs)
        assert (runs[0], runs[1] >= 1, runs[-1]) == (0, True, steps)


def test_without_parts_all_steps_run() -> None:
    assert request(num_inference_steps=7).steps == 7
    assert request(width=300).result_size == Size(300, 512)


def test_both_passes_count() -> None:
    drawn = request(num_inference_steps=20, second_pass=SecondPass(scale=1.5, strength=0.5))
    assert drawn.steps == 20 + 10
    assert [(each.size, each.steps) for each in drawn.passes] == [
        (Size(512, 512), 20),
        (Size(768, 768), 10),
    ]
    own = SecondPass(num_inference_steps=8, strength=0.5)
    assert request(0.5, num_inference_steps=20, second_pass=own).steps == 10 + 4
    assert request(0.0, second_pass=SecondPass(strength=0)).steps == 0


def test_evaluations_are_those_of_the_steps_that_run() -> None:
    heun = {"scheduler": "Heun", "num_inference_steps": 20}
    assert request(0.5, **heun).evaluations == 2 * 10 - 1
    assert request(0.0, **heun).evaluations == 0
    assert request(1.0, **heun, second_pass=SecondPass(strength=0.5)).evaluations == 39 + 19


@pytest.mark.parametrize(
    ("width", "scale", "side", "drawn"),
    [(512, 2.0, 1024, 1024), (512, 1.3, 666, 672), (300, 1.0, 300, 304), (1024, 2.0, 2048, 2048)],
)
def test_the_result_has_the_size_after_the_second_pass(
    width: int, scale: float, side: int, drawn: int
) -> None:
    found = request(width=width, height=256, second_pass=SecondPass(scale=scale))
    assert found.result_size.width == side
    assert found.passes[-1].size.width == drawn


def test_a_request_of_another_release_has_steps() -> None:
    values = {"id": "r", "model_id": "m", "prompt": "x", "scheduler": "of tomorrow"}
    stored = GenerationRequest.as_stored(values | {"num_inference_steps": 9})
    assert stored.steps == 9


@pytest.mark.parametrize(
    ("limits", "picture", "size"),
    [
        (SMALL, (512, 512), (512, 512)),
        (SMALL, (256, 1024), (256, 1024)),
        (SMALL, (1024, 1024), (1024, 1024)),
        (SMALL, (1025, 1025), (1024, 1024)),
        (SMALL, (255, 255), (256, 256)),
        (SMALL, (8, 6), (344, 256)),
        (SMALL, (4096, 2048), (1024, 512)),
        (SMALL, (300, 260), (304, 264)),
        (SMALL, (16_384, 16), (1024, 256)),
        (SMALL, (16, 16_384), (256, 1024)),
        (LARGE, (4096, 4096), (1448, 1448)),
        (LARGE, (2048, 1024), (2048, 1024)),
        (LARGE, (2048, 1032), (2040, 1024)),
    ],
)
def test_a_picture_is_drawn_again_at_its_size_scaled_into_the_bounds(
    limits: SizeLimits, picture: tuple[int, int], size: tuple[int, int]
) -> None:
    assert limits.of_picture(Size(*picture)) == Size(*size)


@pytest.mark.parametrize(
    ("given", "size"),
    [
        ({"width": 512}, (512, 256)),
        ({"height": 512}, (1024, 512)),
        ({"width": 300}, (300, 256)),
        ({"width": 1024}, (1024, 512)),
        ({"height": 1024}, (1024, 1024)),
        ({"width": 999, "height": 333}, (999, 333)),
    ],
)
def test_one_given_side_is_kept_and_the_other_follows(
    given: dict[str, int], size: tuple[int, int]
) -> None:
    assert SMALL.of_picture(Size(800, 400), **given) == Size(*size)


@pytest.mark.parametrize("limits", LIMITS)
def test_generated_pictures_fit_the_bounds_in_their_proportions(limits: SizeLimits) -> None:
    rng = random.Random(7)
    for _ in range(5_000):
        picture = Size(rng.randint(1, 5000), rng.randint(1, 5000))
        found = limits.of_picture(picture)
        case = f"{picture} -> {found}"
        assert limits.problems(found.width, found.height, of="m") == [], case
        assert found.width % 8 == found.height % 8 == 0, case
        assert limits.of_picture(found) == found, case
        # Where neither bound of a side is reached, only the rounding changes the proportions.
        if limits.min < min(found.width, found.height) and max(found.width, found.height) < (
            limits.max
        ):
            ratio = (found.width / found.height) / (picture.width / picture.height)
            assert 0.96 < ratio < 1.042, case
        one = limits.of_picture(picture, width=found.width)
        assert one.width == found.width
        assert limits.problems(one.width, one.height, of="m") == [], case


def in_place(width: int = 700, height: int = 900, **changes: Any) -> GenerationRequest:
    picture = PictureRef(id="c" * 64, media_type="image/png", size=9, width=width, height=height)
    source = SourceImage(init_image=picture, mask_image=PICTURE, inpaint_area=InpaintArea.IN_PLACE)
    return request(**{"source": source, **changes})


def test_in_place_the_result_has_the_size_of_the_picture() -> None:
    drawn = in_place(width=700, height=900)
    assert drawn.result_size == Size(700, 900)
    assert drawn.last_size == drawn.passes[0].size == Size(512, 512)


def test_in_place_has_no_second_pass() -> None:
    with pytest.raises(InvalidRequest, match="with inpaint_area in_place") as caught:
        in_place(second_pass=SecondPass())
    assert [row.field for row in caught.value.problems] == ["second_pass"]


def test_in_place_a_picture_has_no_longer_sides_than_the_format() -> None:
    assert in_place(16383, 900, output_format="webp").result_size.width == 16383
    assert in_place(16384, 900).result_size.width == 16384
    with pytest.raises(InvalidRequest, match="a webp has at most 16383") as caught:
        in_place(16384, 900, output_format="webp")
    assert [row.field for row in caught.value.problems] == ["inpaint_area"]


@pytest.mark.parametrize(("scale", "is_small"), [(4.0, True), (8.0, False)])
def test_in_place_the_size_of_the_picture_counts_for_upscaling(
    scale: float, *, is_small: bool
) -> None:
    wanted = Upscale(model_id="b" * 64, scale=scale)
    if is_small:
        assert in_place(2000, 2000, upscale=wanted).upscale == wanted
        return
    with pytest.raises(InvalidRequest) as caught:
        in_place(2000, 2000, upscale=wanted)
    assert [row.field for row in caught.value.problems] == ["upscale.scale"]
