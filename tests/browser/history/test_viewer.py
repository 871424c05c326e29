"""The viewer: a picture as large as the window, and its actions."""

import re

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.earlier import drawn
from tests.browser.studio import SteppedGenerator, Studio
from tests.http.conftest import Service


def opened(studio: Studio) -> Locator:
    """Open the viewer with the picture of the stage."""
    expect(studio.pictures).to_have_count(1)
    studio.button("Open large").click()
    dialog = studio.page.locator("#viewer")
    expect(dialog).to_be_visible()
    expect(dialog.locator("img[src]")).to_have_count(1)
    return dialog


def shown_box(studio: Studio) -> dict[str, float]:
    box = studio.page.locator("#viewer-image").bounding_box()
    assert box is not None
    return {"x": box["x"], "y": box["y"], "width": box["width"], "height": box["height"]}


def test_it_moves_from_picture_to_picture_across_jobs(studio: Studio, service: Service) -> None:
    drawn(service, 1, prompt="the oldest")
    drawn(service, 1, prompt="two at once", num_images=2, seed=7)
    drawn(service, 1, prompt="the newest")
    studio.sign_in()
    dialog = opened(studio)
    caption, facts = dialog.locator("#viewer-caption"), dialog.locator("#viewer-facts")
    expect(caption).to_have_text("the newest")
    expect(studio.page.locator("#viewer-previous")).to_be_disabled()
    press = studio.page.keyboard.press
    press("ArrowRight")
    expect(caption).to_have_text("two at once")
    expect(facts).to_have_text("Seed 7 · 256 × 256")
    press("ArrowRight")
    expect(facts).to_have_text("Seed 8 · 256 × 256")
    press("ArrowRight")
    expect(caption).to_have_text("the oldest")
    expect(studio.page.locator("#viewer-announcer")).to_contain_text("4 of 4")
    press("ArrowRight")
    expect(studio.page.locator("#viewer-announcer")).to_have_text("This is the oldest picture")
    expect(caption).to_have_text("the oldest")
    press("ArrowLeft")
    expect(facts).to_have_text("Seed 8 · 256 × 256")
    press("Escape")
    expect(dialog).to_be_hidden()
    expect(studio.button("Open large")).to_be_focused()


def test_it_is_as_large_as_the_window_and_zooms(studio: Studio, service: Service) -> None:
    drawn(service, 1)
    studio.sign_in()
    dialog = opened(studio)
    scale = dialog.locator("#viewer-scale")
    frame = studio.page.locator("#viewer-frame").bounding_box()
    assert frame is not None
    assert shown_box(studio)["height"] == pytest.approx(frame["height"], abs=1)
    press = studio.page.keyboard.press
    press("1")
    expect(scale).to_have_text("100 %")
    assert shown_box(studio)["width"] == pytest.approx(256, abs=1)
    press("+")
    expect(scale).to_have_text("156 %")
    press("-")
    expect(scale).to_have_text("100 %")
    press("0")
    assert shown_box(studio)["height"] == pytest.approx(frame["height"], abs=1)
    # The wheel keeps the point under the pointer in place.
    press("1")
    box = shown_box(studio)
    studio.page.mouse.move(box["x"] + 64, box["y"] + 64)
    studio.page.mouse.wheel(0, -500)
    expect(scale).to_have_text("305 %")
    dialog.get_by_role("button", name="Fit").click()
    assert shown_box(studio)["height"] == pytest.approx(frame["height"], abs=1)
    dialog.get_by_role("button", name="1:1").click()
    expect(scale).to_have_text("100 %")


def test_an_enlarged_picture_moves_within_its_bounds(studio: Studio, service: Service) -> None:
    drawn(service, 1)
    studio.sign_in()
    opened(studio)
    for _ in range(4):
        studio.page.keyboard.press("+")
    before = shown_box(studio)
    mouse = studio.page.mouse
    mouse.move(600, 400)
    mouse.down()
    mouse.move(650, 430)
    mouse.up()
    after = shown_box(studio)
    assert (after["x"] - before["x"], after["y"] - before["y"]) == pytest.approx((50, 30), abs=1)
    mouse.move(100, 400)
    mouse.down()
    mouse.move(5000, 400, steps=3)
    mouse.up()
    assert shown_box(studio)["x"] == pytest.approx(0, abs=1)


@pytest.mark.parametrize("view", [{"viewport": {"width": 390, "height": 844}, "has_touch": True}])
def test_touch_pinches_and_swipes(
    studio: Studio, service: Service, view: dict[str, object]
) -> None:
    drawn(service, 1, prompt="the older")
    drawn(service, 1, prompt="the newer")
    studio.sign_in()
    dialog = opened(studio)
    session = studio.page.context.new_cdp_session(studio.page)

    def touch(kind: str, *points: tuple[int, int]) -> None:
        told = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": told})

    width = shown_box(studio)["width"]
    touch("touchStart", (150, 400))
    touch("touchStart", (150, 400), (250, 400))
    touch("touchMove", (100, 400), (300, 400))
    touch("touchEnd")
    assert shown_box(studio)["width"] == pytest.approx(2 * width, rel=0.1)
    studio.page.keyboard.press("0")
    touch("touchStart", (300, 400))
    touch("touchMove", (200, 400))
    touch("touchEnd")
    expect(dialog.locator("#viewer-caption")).to_have_text("the older")


def test_a_picture_can_be_saved_from_it(studio: Studio, service: Service) -> None:
    drawn(service, 1, prompt="A Red Circle!", seed=7)
    studio.sign_in()
    opened(studio)
    with studio.page.expect_download() as download:
        studio.page.keyboard.press("d")
    assert download.value.suggested_filename == "a-red-circle-7.png"


def test_its_settings_can_be_used_again(studio: Studio, service: Service) -> None:
    drawn(service, 1, prompt="a lake", seed=7)
    studio.sign_in()
    dialog = opened(studio)
    studio.page.keyboard.press("u")
    expect(dialog).to_be_hidden()
    expect(studio.prompt).to_be_focused()
    expect(studio.prompt).to_have_value("a lake")
    expect(studio.field("Seed")).to_have_value("7")


def test_it_varies_a_picture(studio: Studio, service: Service, generator: SteppedGenerator) -> None:
    drawn(service, 1, prompt="a lake", seed=7, num_images=1)
    generator.drawn.clear()
    studio.sign_in().prompt.fill("what I am writing now")
    dialog = opened(studio)
    studio.page.keyboard.press("v")
    expect(dialog).to_be_hidden()
    expect(studio.tiles).to_have_count(2)
    expect(studio.stage).to_contain_text("a lake")
    dialog = opened(studio)
    studio.page.locator("#viewer-next-seed").click()
    expect(studio.tiles).to_have_count(3)
    expect(studio.pictures).to_have_count(1)
    random, following = generator.drawn
    assert random.seed not in (7, None)
    assert following.seed == (random.seed or 0) + 1
    assert (random.prompt, random.width, random.num_inference_steps) == ("a lake", 256, 1)
    expect(studio.prompt).to_have_value("what I am writing now")


def test_it_shows_the_next_picture_after_a_deletion(studio: Studio, service: Service) -> None:
    drawn(service, 1, prompt="the older")
    drawn(service, 1, prompt="the newer")
    studio.sign_in()
    dialog = opened(studio)
    studio.page.keyboard.press("Delete")
    studio.page.locator("#confirm-yes").click()
    expect(dialog.locator("#viewer-caption")).to_have_text("the older")
    studio.page.keyboard.press("Delete")
    studio.page.locator("#confirm-yes").click()
    expect(dialog).to_be_hidden()
    expect(studio.tiles).to_have_count(0)


def test_a_favourite_of_the_viewer_is_one_of_the_gallery(studio: Studio, service: Service) -> None:
    drawn(service, 1)
    studio.sign_in()
    opened(studio)
    studio.page.keyboard.press("f")
    expect(studio.page.locator("#viewer-favourite")).to_have_attribute("aria-pressed", "true")
    studio.page.keyboard.press("Escape")
    expect(studio.tiles.first).to_have_attribute("data-favourite", "")


def test_tab_stays_in_it(studio: Studio, service: Service) -> None:
    drawn(service, 1)
    studio.sign_in()
    opened(studio)
    inside = (
        "document.activeElement === document.body || !!document.activeElement.closest('#viewer')"
    )
    for _ in range(20):
        studio.page.keyboard.press("Tab")
        assert studio.page.evaluate(inside)


def test_a_lost_picture_is_reported(studio: Studio, service: Service) -> None:
    drawn(service, 1)
    studio.sign_in()
    expect(studio.pictures).to_have_count(1)
    service.results.files.clear()
    studio.button("Open large").click()
    expect(studio.page.locator("#viewer-problem")).to_contain_text(
        re.compile("send the same request")
    )
