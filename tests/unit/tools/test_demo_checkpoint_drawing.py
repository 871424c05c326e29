"""The pictures that the demo checkpoint learns from."""

from __future__ import annotations

import numpy as np
import pytest

from tools.demo_checkpoint.scenes.flat_scenes import PLACES, FlatScene, draw_flat
from tools.demo_checkpoint.scenes.landscape_drawing import draw_landscape
from tools.demo_checkpoint.scenes.landscape_scenes import LandscapeScene, Time
from tools.demo_checkpoint.scenes.outlines import OUTLINES, coverage
from tools.demo_checkpoint.scenes.palette import COLOURS, nearest_colours, to_lab

EVERYTHING = frozenset({"mountains", "snow", "lake", "trees", "sun"})


def test_colours_are_easy_to_tell_apart() -> None:
    lab = to_lab(np.array(list(COLOURS.values())))
    distances = np.linalg.norm(lab[:, None] - lab, axis=-1)
    assert distances[~np.eye(len(COLOURS), dtype=bool)].min() > 25


def test_lab_values_of_white_and_black() -> None:
    assert to_lab(np.array([255, 255, 255])) == pytest.approx([100, 0, 0], abs=0.1)
    assert to_lab(np.array([0, 0, 0])) == pytest.approx([0, 0, 0], abs=0.1)


@pytest.mark.parametrize("shape", OUTLINES)
def test_each_shape_is_about_as_wide_as_its_radius(shape: str) -> None:
    mask = coverage(shape, width=200, height=200, centre=(100, 100), radius=60)
    rows, columns = np.nonzero(mask > 0.5)
    widest: int = max(np.ptp(rows), np.ptp(columns))
    assert 95 < widest < 145


def test_a_ring_has_a_hole() -> None:
    mask = coverage("ring", width=100, height=100, centre=(50, 50), radius=40)
    assert mask[50, 50] == 0
    assert mask[50, 15] == 1


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(("width", "height"), [(256, 256), (384, 256), (256, 512)])
def test_a_flat_scene_stays_inside_at_its_place(place: str, width: int, height: int) -> None:
    picture = draw_flat(
        FlatScene("circle", "red", "white", "small", place, 3), width=width, height=height
    )
    assert picture.shape == (height, width, 3)
    assert picture.dtype == np.uint8
    rows, columns = np.nonzero(nearest_colours(picture) == "red")
    assert rows.min() > 0 and rows.max() < height - 1
    assert columns.min() > 0 and columns.max() < width - 1
    sideways = np.sign(round((columns.mean() / width - 0.5) * 10))
    assert sideways == ("right" in place) - ("left" in place)
    upright = np.sign(round((rows.mean() / height - 0.5) * 10))
    assert upright == ("bottom" in place) - ("top" in place)


@pytest.mark.parametrize("time", ["day", "sunset", "night"])
@pytest.mark.parametrize(("width", "height"), [(256, 256), (512, 256), (128, 320)])
def test_landscapes_fill_any_frame(time: Time, width: int, height: int) -> None:
    features = EVERYTHING if time != "night" else EVERYTHING - {"sun"} | {"moon", "stars"}
    picture = draw_landscape(LandscapeScene(time, features, 5), width=width, height=height)
    assert picture.shape == (height, width, 3)
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 500


def test_the_same_scene_is_the_same_picture() -> None:
    scene = LandscapeScene("day", EVERYTHING, 7)
    first, again = (draw_landscape(scene, width=96, height=96) for _ in range(2))
    assert (first == again).all()
