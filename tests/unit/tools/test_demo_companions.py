"""What the companions learn from, and the figures of the judge, on drawings of known content."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tools.demo_checkpoint.pictures import Scene, draw
from tools.demo_checkpoint.scenes.flat_scenes import FlatScene, is_held_out
from tools.demo_checkpoint.scenes.landscape_scenes import LandscapeScene
from tools.demo_companions.blueprint import INK, PAPER, as_blueprint
from tools.demo_companions.concept import draw_concept, random_concept
from tools.demo_companions.evaluate import wanted_outlines
from tools.demo_companions.measures import aurora_share, blueprint_share, outline_agreement
from tools.demo_companions.outlines import lines, outline_map

pytestmark = pytest.mark.torch
NIGHT = LandscapeScene("night", frozenset({"mountains", "lake", "stars"}), 3)
SCENES: tuple[Scene, ...] = (
    FlatScene("star", "red", "white", "medium", "centre", 1),
    FlatScene("circle", "blue", "black", "large", "centre", 2),
    FlatScene("heart", "white", "blue", "medium", "centre", 2),
    LandscapeScene("day", frozenset({"mountains", "lake"}), 3),
    NIGHT,
)


def drawn(scene: Scene) -> NDArray[np.uint8]:
    return draw(scene, width=256, height=256)


def blueprint(scene: Scene, strength: float = 1.0) -> NDArray[np.uint8]:
    return as_blueprint(scene, width=256, height=256, strength=strength)


@pytest.mark.parametrize("scene", SCENES)
def test_a_blueprint_has_two_colours_and_what_lies_between(scene: Scene) -> None:
    picture = blueprint(scene)
    colours = {tuple(row) for row in picture.reshape(-1, 3).tolist()}
    assert {PAPER, INK} <= colours
    paper, ink = np.array(PAPER, float), np.array(INK, float)
    share = (picture - paper) / (ink - paper)
    assert np.ptp(share, axis=-1).max() < 0.05
    assert blueprint_share(picture) > 0.95


def test_half_a_blueprint_keeps_half_of_the_colour_and_has_whole_lines() -> None:
    picture, half = drawn(SCENES[0]), blueprint(SCENES[0], 0.5)
    for row, column in ((128, 128), (2, 2)):
        wanted = picture[row, column] / 2 + np.array(PAPER) / 2
        assert np.abs(half[row, column] - wanted).max() <= 1
    assert tuple(INK) in {tuple(row) for row in half.reshape(-1, 3).tolist()}


def test_the_time_of_day_does_not_change_the_lines_of_a_landscape() -> None:
    features = frozenset({"mountains", "lake"})
    day, night = (blueprint(LandscapeScene(time, features, 3)) for time in ("day", "night"))
    assert np.array_equal(day, night)


@pytest.mark.parametrize("scene", [SCENES[0], SCENES[1], SCENES[3], SCENES[4]])
def test_a_plain_picture_is_not_judged_a_blueprint(scene: Scene) -> None:
    assert blueprint_share(drawn(scene)) < 0.75


@pytest.mark.parametrize("colour", [PAPER, INK, (215, 25, 35)])
def test_a_single_colour_is_not_judged_a_blueprint(colour: tuple[int, int, int]) -> None:
    assert blueprint_share(np.full((64, 64, 3), colour, np.uint8)) == 0


@pytest.mark.parametrize("seed", range(5))
def test_an_aurora_is_judged_green_and_other_skies_are_not(seed: int) -> None:
    scene = random_concept(np.random.default_rng(seed))
    assert scene.time == "night"
    assert aurora_share(draw_concept(scene, width=256, height=256)) > 0.3
    assert aurora_share(drawn(scene)) < 0.05


@pytest.mark.parametrize("scene", SCENES)
def test_a_picture_agrees_with_its_own_outlines_and_not_with_those_of_others(scene: Scene) -> None:
    own = drawn(scene)
    assert outline_agreement(own, outline_map(own)) > 0.65
    for other in SCENES:
        if other != scene:
            assert outline_agreement(own, outline_map(drawn(other))) < 0.45


def test_outlines_do_not_depend_on_colours() -> None:
    one = drawn(FlatScene("ring", "red", "white", "medium", "top left", 9))
    other = drawn(FlatScene("ring", "yellow", "blue", "medium", "top left", 9))
    assert outline_agreement(other, outline_map(one)) > 0.95


def test_a_flat_picture_agrees_only_with_no_outlines() -> None:
    flat: NDArray[np.uint8] = np.full((64, 64, 3), 99, np.uint8)
    nothing = outline_map(flat)
    assert not nothing.any()
    assert outline_agreement(flat, nothing) == 1
    assert outline_agreement(flat, ~nothing) == 0


def test_lines_have_the_wanted_width() -> None:
    picture: NDArray[np.uint8] = np.zeros((64, 64, 3), np.uint8)
    picture[:, 32:] = 255
    across = lines(picture, 6.0)[32]
    assert across.sum() == pytest.approx(6, abs=0.5)
    assert across[[10, 54]].tolist() == [0, 0]


def test_the_judge_asks_for_scenes_that_no_training_drew() -> None:
    found = wanted_outlines(12, 128)
    flat = [text for text, _ in found if "background" in text]
    assert 2 < len(flat) < 10
    for text in flat:
        _, colour, shape, _, _, background, _ = text.split()
        assert is_held_out(shape, colour, background)
    assert all(wanted.any() for _, wanted in found)
