"""The judge is right about drawn pictures, whose content is known."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageFilter

from tools.demo_checkpoint.judging.judge import ShapeVerdict, has_feature, judge_shape, time_of_day
from tools.demo_checkpoint.scenes.flat_scenes import FlatScene, draw_flat
from tools.demo_checkpoint.scenes.landscape_drawing import draw_landscape
from tools.demo_checkpoint.scenes.landscape_scenes import LandscapeScene, Time
from tools.demo_checkpoint.scenes.outlines import OUTLINES

ALL_RIGHT = ShapeVerdict(colour=True, background=True, shape=True)
SIZES = [(256, 256), (512, 512), (384, 256), (256, 512)]


def flat(
    shape: str,
    colour: str = "red",
    background: str = "white",
    *,
    width: int = 256,
    height: int = 256,
) -> Image.Image:
    scene = FlatScene(shape, colour, background, "medium", "centre", 1)
    return Image.fromarray(draw_flat(scene, width=width, height=height))


def landscape(time: Time, *features: str, width: int = 256, height: int = 256) -> Image.Image:
    scene = LandscapeScene(time, frozenset(features), 3)
    return Image.fromarray(draw_landscape(scene, width=width, height=height))


@pytest.mark.parametrize("shape", OUTLINES)
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_a_drawn_shape_is_right(shape: str, width: int, height: int) -> None:
    picture = flat(shape, width=width, height=height)
    assert judge_shape(picture, shape=shape, colour="red", background="white") == ALL_RIGHT


@pytest.mark.parametrize("drawn", OUTLINES)
def test_a_shape_is_not_mistaken_for_another(drawn: str) -> None:
    picture = flat(drawn, "yellow", "blue")
    taken_for = [
        shape for shape in OUTLINES if judge_shape(picture, shape=shape, colour="yellow").shape
    ]
    assert taken_for == [drawn]


def test_blur_and_noise_do_not_matter() -> None:
    blurred = np.asarray(flat("star", "green", "pink").filter(ImageFilter.GaussianBlur(3)))
    noise = np.random.default_rng(0).normal(0, 8, blurred.shape)
    noisy = Image.fromarray(np.clip(blurred + noise, 0, 255).astype(np.uint8))
    assert judge_shape(noisy, shape="star", colour="green", background="pink") == ALL_RIGHT


def test_each_mistake_is_reported_separately() -> None:
    picture = flat("heart", "purple", "black")
    wrong_colour = judge_shape(picture, shape="heart", colour="blue", background="black")
    assert wrong_colour == ShapeVerdict(colour=False, background=True, shape=True)
    wrong_ground = judge_shape(picture, shape="heart", colour="purple", background="grey")
    assert wrong_ground == ShapeVerdict(colour=True, background=False, shape=True)


def test_an_empty_picture_and_noise_have_no_shape() -> None:
    empty = Image.new("RGB", (256, 256), "white")
    assert judge_shape(empty, shape="circle", colour="red", background="white") == ShapeVerdict(
        colour=False, background=True, shape=False
    )
    noise = np.random.default_rng(0).integers(0, 256, (256, 256, 3), dtype=np.uint8)
    assert not judge_shape(Image.fromarray(noise), shape="circle", colour="red").shape


@pytest.mark.parametrize("time", ["day", "sunset", "night"])
def test_the_time_of_day_is_recognised(time: Time) -> None:
    assert time_of_day(landscape(time, "mountains", "lake")) == time


@pytest.mark.parametrize("feature", ["mountains", "lake", "trees", "sun"])
@pytest.mark.parametrize("time", ["day", "sunset"])
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_features_are_recognised(feature: str, time: Time, width: int, height: int) -> None:
    others = {"mountains", "lake", "trees", "sun"} - {feature}
    with_it = landscape(time, feature, *others, width=width, height=height)
    without = landscape(time, *others, width=width, height=height)
    assert has_feature(with_it, feature)
    assert not has_feature(without, feature)


@pytest.mark.parametrize("time", ["day", "sunset", "night"])
def test_snow_and_lake_are_recognised_at_any_time(time: Time) -> None:
    assert has_feature(landscape(time, "mountains", "snow", "lake"), "snow")
    assert not has_feature(landscape(time, "mountains", "lake"), "snow")
    assert has_feature(landscape(time, "mountains", "snow", "lake"), "lake")
    assert not has_feature(landscape(time, "mountains", "snow"), "lake")


def test_the_moon_is_recognised() -> None:
    assert has_feature(landscape("night", "moon", "stars"), "moon")
    assert not has_feature(landscape("night", "stars"), "moon")


def test_an_undecidable_question_is_refused() -> None:
    with pytest.raises(ValueError, match="'castle'"):
        has_feature(landscape("day"), "castle")
    with pytest.raises(ValueError, match="night"):
        has_feature(landscape("night", "trees"), "trees")
