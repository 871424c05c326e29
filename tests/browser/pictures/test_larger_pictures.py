"""The second pass, upscaling, and before and after."""

import dataclasses
import re
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from domain.models.record import ModelKind
from tests.browser.earlier import drawn
from tests.browser.pictures.source_pictures import PictureField, fact, landscape
from tests.browser.studio import PHONE, SteppedGenerator, Studio
from tests.fakes.model_source import model_record
from tests.http.conftest import Service

UPSCALER = dataclasses.replace(
    model_record(b"upscaler", "models/sharp.safetensors"),
    kind=ModelKind.UPSCALER,
    reason="an upscaler enlarges pictures, and cannot draw one",
    is_companion=True,
    scale=2,
)


def with_upscaler(service: Service) -> None:
    service.source.others = (UPSCALER,)
    service.container.model_registry().refresh()


def test_a_drawing_with_a_second_pass(studio: Studio, generator: SteppedGenerator) -> None:
    studio.sign_in()
    studio.page.locator("#larger summary").click()
    expect(studio.field("Enlarge by")).to_be_hidden()
    studio.field("Second pass").check()
    studio.field("Enlarge by").fill("1.5")
    expect(studio.page.locator("#second-pass-size")).to_have_text("Draws 768 × 768 pixels")
    studio.field("Strength of the second pass").fill("0.5")
    studio.field("Enlarge with").select_option("lanczos")
    studio.page.locator("[id='second_pass.num_inference_steps']").fill("6")
    studio.draw("a lake")
    expect(studio.pictures).to_have_count(1)
    second = generator.drawn[0].second_pass
    assert second is not None
    assert (second.scale, second.strength, second.upscaler) == (1.5, 0.5, "lanczos")
    assert second.num_inference_steps == 6
    expect(fact(studio, "Second pass")).to_have_text("× 1.5, strength 0.5, 6 steps, Lanczos")
    studio.stage.get_by_role("button", name="Vary").click()
    expect(studio.tiles).to_have_count(2)
    expect(studio.pictures).to_have_count(1)
    assert generator.drawn[1].second_pass == second
    studio.field("Second pass").uncheck()
    studio.draw("a lake")
    expect(studio.tiles).to_have_count(3)
    expect(studio.pictures).to_have_count(1)
    assert generator.drawn[2].second_pass is None
    studio.tiles.nth(1).click()
    expect(studio.stage).to_contain_text("× 1.5")
    studio.button("Use these settings").click()
    expect(studio.field("Second pass")).to_be_checked()
    expect(studio.field("Enlarge by")).to_have_value("1.5")


def test_a_wrong_second_pass_is_explained_at_its_field(studio: Studio) -> None:
    studio.sign_in()
    studio.page.locator("#larger summary").click()
    studio.field("Second pass").check()
    studio.field("Strength of the second pass").fill("7")
    studio.page.locator("#larger summary").click()
    studio.draw("a lake")
    error = studio.page.locator("[id='second_pass.strength-error']")
    expect(error).to_be_visible()
    expect(error).to_contain_text("7")
    expect(studio.field("Strength of the second pass")).to_be_focused()


def test_upscalers_are_offered_and_are_not_files_without_use(
    studio: Studio, service: Service, generator: SteppedGenerator
) -> None:
    studio.sign_in()
    studio.page.locator("#larger summary").click()
    box = studio.field("Upscale the result")
    expect(box).to_be_disabled()
    expect(studio.page.locator("#upscale-reason")).to_contain_text("There is no upscaler model")
    with_upscaler(service)
    studio.page.evaluate("window.dispatchEvent(new Event('focus'))")
    expect(box).to_be_enabled()
    expect(studio.page.locator("#other-models")).to_be_hidden()
    box.check()
    expect(studio.field("Upscaler")).to_have_value(UPSCALER.id)
    studio.draw("a lake")
    expect(studio.pictures).to_have_count(1)
    upscale = generator.drawn[0].upscale
    assert upscale is not None
    assert (upscale.model_id, upscale.scale) == (UPSCALER.id, None)
    expect(fact(studio, "Upscaled")).to_have_text("sharp.safetensors")


@pytest.mark.parametrize("view", [{"viewport": {"width": 1280, "height": 900}}, PHONE])
def test_a_finished_picture_is_upscaled_and_compared(
    studio: Studio, service: Service, view: dict[str, Any]
) -> None:
    with_upscaler(service)
    drawn(service, 1)
    studio.sign_in()
    expect(studio.pictures).to_have_count(1)
    studio.stage.get_by_role("button", name="Upscale").click()
    dialog = studio.page.locator("#upscale-dialog")
    dialog.get_by_label("Upscaler").select_option("lanczos")
    expect(dialog).to_contain_text("256 × 256 becomes 512 × 512 pixels")
    dialog.get_by_label("Factor").fill("90")
    dialog.get_by_role("button", name="Upscale").click()
    expect(dialog.get_by_role("alert")).to_contain_text("90")
    dialog.get_by_label("Factor").fill("1.5")
    dialog.get_by_role("button", name="Upscale").click()
    expect(dialog).to_have_count(0)
    expect(studio.tiles).to_have_count(2)
    expect(studio.tiles.first).to_contain_text("Upscaled picture")
    expect(studio.pictures).to_have_count(1)
    expect(studio.pictures).to_have_js_property("naturalWidth", 384)
    expect(studio.stage).not_to_contain_text("Vary")
    assert studio.width_to_scroll() == 0
    studio.stage.get_by_role("button", name="Before and after").click()
    expect(studio.page.locator(".compare-slider")).to_be_focused()
    studio.page.keyboard.press("Escape")
    studio.button("Open large").click()
    expect(studio.page.locator("#viewer-vary")).to_be_hidden()
    expect(studio.page.locator("#viewer-facts")).to_have_text("384 × 384")


def compared(studio: Studio) -> None:
    """Draw from a picture, and open the comparison."""
    studio.sign_in()
    PictureField(studio).choose(landscape(256, 256))
    studio.draw("at night")
    expect(studio.pictures).to_have_count(1)
    studio.stage.get_by_role("button", name="Before and after").click()
    expect(studio.page.locator(".compare-slider")).to_be_focused()


def shown_share(studio: Studio) -> float:
    """Return the share of the picture's width that shows the picture before."""
    box = studio.page.locator(".compare-paper").bounding_box()
    line = studio.page.locator(".compare-line").bounding_box()
    assert box is not None
    assert line is not None
    return (line["x"] + line["width"] / 2 - box["x"]) / box["width"]


def test_before_and_after_by_keyboard(studio: Studio) -> None:
    compared(studio)
    slider = studio.page.locator(".compare-slider")
    assert shown_share(studio) == pytest.approx(0.5, abs=0.01)
    for _ in range(4):
        studio.page.keyboard.press("ArrowLeft")
    expect(slider).to_have_attribute("aria-valuetext", "30 % before")
    assert shown_share(studio) == pytest.approx(0.3, abs=0.01)
    studio.page.keyboard.press("End")
    expect(slider).to_have_attribute("aria-valuetext", "100 % before")
    before = studio.page.locator(".compare-before")
    expect(before).to_have_js_property("naturalWidth", 256)
    studio.page.keyboard.press("Escape")
    expect(studio.button("Before and after")).to_be_focused()


def test_before_and_after_by_mouse_and_enlarged(studio: Studio) -> None:
    compared(studio)
    frame = studio.page.locator(".compare-frame").bounding_box()
    paper = studio.page.locator(".compare-paper").bounding_box()
    assert frame is not None
    assert paper is not None
    mouse = studio.page.mouse
    y = paper["y"] + paper["height"] / 2
    mouse.move(paper["x"] + 0.2 * paper["width"], y)
    mouse.down()
    mouse.move(paper["x"] + 0.8 * paper["width"], y, steps=3)
    mouse.up()
    assert shown_share(studio) == pytest.approx(0.8, abs=0.01)
    mouse.wheel(0, -300)
    wider = studio.page.locator(".compare-paper").bounding_box()
    assert wider is not None
    assert wider["width"] > paper["width"]
    # An enlarged picture is moved, and the slider stays.
    mouse.move(frame["x"] + 30, y)
    mouse.down()
    mouse.move(frame["x"] + 130, y)
    mouse.up()
    moved = studio.page.locator(".compare-paper").bounding_box()
    assert moved is not None
    assert moved["x"] > wider["x"]
    assert shown_share(studio) == pytest.approx(0.8, abs=0.01)


@pytest.mark.parametrize("view", [PHONE])
def test_before_and_after_by_touch(studio: Studio, view: dict[str, Any]) -> None:
    compared(studio)
    session = studio.page.context.new_cdp_session(studio.page)
    paper = studio.page.locator(".compare-paper").bounding_box()
    assert paper is not None
    y = paper["y"] + paper["height"] / 2
    for kind, share in (("touchStart", 0.5), ("touchMove", 0.25)):
        point = {"x": paper["x"] + share * paper["width"], "y": y, "id": 0}
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [point]})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    assert shown_share(studio) == pytest.approx(0.25, abs=0.02)
    assert studio.width_to_scroll() == 0


def test_a_picture_from_text_has_no_before(studio: Studio, service: Service) -> None:
    drawn(service, 1)
    studio.sign_in()
    expect(studio.pictures).to_have_count(1)
    expect(studio.stage.get_by_role("button", name="Before and after")).to_have_count(0)
    expect(studio.stage.get_by_role("button", name="Upscale")).to_have_count(1)


def test_an_estimate_counts_the_steps_that_run(studio: Studio, service: Service) -> None:
    drawn(service, 1)

    def answer(route: Route) -> None:
        response = route.fetch()
        body = response.json()
        for job in body["jobs"]:
            job["timings"] |= {"generate": 0.75, "encode": 0.25}
        route.fulfill(response=response, json=body)

    # One second for 256 × 256 pixels and one step.
    studio.page.route(re.compile(r"/v1/jobs\?"), answer)
    studio.sign_in().unfold()
    studio.field("Steps").fill("10")
    PictureField(studio).choose(landscape(256, 256))
    studio.field("Strength").fill("0.35")
    estimate = studio.page.locator("#estimate")
    expect(estimate).to_have_text("about 3 s")
    studio.page.locator("#larger summary").click()
    studio.field("Second pass").check()
    studio.field("Enlarge by").fill("2")
    studio.field("Strength of the second pass").fill("0.5")
    expect(estimate).to_have_text("about 23 s")
