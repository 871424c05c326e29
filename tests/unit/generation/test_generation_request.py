import dataclasses
from pathlib import Path

import pytest

from domain.errors import InvalidRequest
from domain.generation.output_formats import OutputFormat
from domain.generation.request import GeneratedImage, GenerationRequest
from domain.samplers import Scheduler

MODEL_ID = "0123456789abcdef" * 4
LAST_SEED = 2**53 - 1


def request(**changes: object) -> GenerationRequest:
    values: dict[str, object] = {"id": "r1", "model_id": MODEL_ID, "prompt": "a red circle"}
    return GenerationRequest(**(values | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", "x"),
        ("id", "x" * 128),
        ("id", "..."),
        ("prompt", "p"),
        ("prompt", "p" * 32_000),
        ("negative_prompt", None),
        ("negative_prompt", ""),
        ("negative_prompt", "n" * 32_000),
        ("num_inference_steps", 1),
        ("num_inference_steps", 150),
        ("guidance_scale", 1),
        ("guidance_scale", 30.0),
        ("width", 256),
        ("width", 2048),
        ("height", 256),
        ("height", 2048),
        ("seed", None),
        ("seed", 0),
        ("seed", LAST_SEED),
        ("num_images", 1),
        ("num_images", 16),
        ("scheduler", None),
        *(("scheduler", name) for name in Scheduler),
        *(("output_format", name) for name in OutputFormat),
        ("quality", None),
    ],
)
def test_each_field_accepts_its_limits(field: str, value: object) -> None:
    assert getattr(request(**{field: value}), field) == value


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", ""),
        ("id", "x" * 129),
        ("id", "a/b"),
        ("id", "."),
        ("id", ".."),
        ("id", 7),
        ("model_id", "0" * 63),
        ("model_id", "0" * 65),
        ("model_id", "g" * 64),
        ("model_id", None),
        ("prompt", ""),
        ("prompt", "p" * 32_001),
        ("prompt", "a\0b"),
        ("prompt", None),
        ("negative_prompt", "n" * 32_001),
        ("num_inference_steps", 0),
        ("num_inference_steps", 151),
        ("num_inference_steps", 30.0),
        ("guidance_scale", 0.99),
        ("guidance_scale", 0.01),
        ("guidance_scale", -1),
        ("guidance_scale", 30.01),
        ("guidance_scale", float("nan")),
        ("width", 255),
        ("width", 2049),
        ("width", True),
        ("height", 255),
        ("height", 2049),
        ("seed", -1),
        ("seed", LAST_SEED + 1),
        ("num_images", 0),
        ("num_images", 17),
        ("scheduler", "euler a"),
        ("scheduler", ""),
        ("scheduler", 1),
        ("output_format", "gif"),
        ("output_format", "PNG"),
        ("output_format", None),
        ("quality", 90),
        ("quality", "90"),
    ],
)
def test_each_field_refuses_values_beyond_its_limits(field: str, value: object) -> None:
    with pytest.raises(InvalidRequest) as caught:
        request(**{field: value})
    assert [row.field for row in caught.value.problems] == [field]


def test_guidance_0_means_no_guidance_like_1() -> None:
    assert request(guidance_scale=0) == request(guidance_scale=1)
    assert request(guidance_scale=0).guidance_scale == 1.0


@pytest.mark.parametrize("output_format", ["jpeg", "webp"])
def test_a_quality_lies_between_1_and_100(output_format: str) -> None:
    assert request(output_format=output_format).quality == 90
    for quality in (1, 100):
        assert request(output_format=output_format, quality=quality).quality == quality
    for wrong in (0, 101, 90.0, True):
        with pytest.raises(InvalidRequest) as caught:
            request(output_format=output_format, quality=wrong)
        assert [row.field for row in caught.value.problems] == ["quality"]


def test_a_quality_of_a_png_is_refused_with_the_remedy() -> None:
    with pytest.raises(InvalidRequest, match="ask for jpeg or webp as output_format"):
        request(quality=100)


def test_names_become_the_values_that_they_name() -> None:
    made = request(scheduler="Euler a", output_format="webp")
    assert (made.scheduler, made.output_format) == (Scheduler.EULER_A, OutputFormat.WEBP)
    assert isinstance(made.scheduler, Scheduler)
    assert isinstance(made.output_format, OutputFormat)


def test_all_invalid_fields_are_named_at_once() -> None:
    with pytest.raises(InvalidRequest) as caught:
        request(prompt="", width=1, height="2", seed=-1)
    assert {row.field for row in caught.value.problems} == {"prompt", "width", "height", "seed"}


def test_the_last_image_has_a_seed_too() -> None:
    assert request(seed=LAST_SEED - 3, num_images=4).seeds[-1] == LAST_SEED
    with pytest.raises(InvalidRequest) as caught:
        request(seed=LAST_SEED - 2, num_images=4)
    assert [row.field for row in caught.value.problems] == ["seed"]


def test_images_count_up_from_the_seed() -> None:
    assert request(seed=7, num_images=3).seeds == (7, 8, 9)


def test_a_request_without_a_seed_has_no_seeds_yet() -> None:
    with pytest.raises(ValueError, match="no seed yet"):
        _ = request().seeds


def test_a_model_id_is_kept_in_lower_case() -> None:
    assert request(model_id=MODEL_ID.upper()).model_id == MODEL_ID


@pytest.mark.parametrize(("pixels", "drawn"), [(256, 256), (257, 264), (263, 264), (1023, 1024)])
def test_the_drawn_size_is_the_next_multiple_of_eight(pixels: int, drawn: int) -> None:
    assert request(width=pixels).drawn_width == drawn
    assert request(height=pixels).drawn_height == drawn


def test_requests_share_a_batch_if_only_texts_and_seeds_differ() -> None:
    one = request(seed=1, width=260)
    other = dataclasses.replace(one, id="r2", prompt="else", negative_prompt="x", width=264, seed=2)
    assert one.batch_key == other.batch_key
    assert dataclasses.replace(one, width=272).batch_key != one.batch_key
    assert dataclasses.replace(one, height=520).batch_key != one.batch_key
    assert dataclasses.replace(one, num_inference_steps=3).batch_key != one.batch_key
    assert dataclasses.replace(one, guidance_scale=3.0).batch_key != one.batch_key
    assert dataclasses.replace(one, scheduler=Scheduler.DDIM).batch_key != one.batch_key
    jpeg = dataclasses.replace(one, output_format=OutputFormat.JPEG, quality=5)
    assert jpeg.batch_key == one.batch_key


def test_an_image_saves_its_bytes(tmp_path: Path) -> None:
    image = GeneratedImage(data=b"its bytes", seed=1, width=256, height=256)
    image.save(tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes() == b"its bytes"
    assert "its bytes" not in repr(image)
