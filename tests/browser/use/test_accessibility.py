"""Accessibility: a small screen, a keyboard alone, a dark room; and a strict content policy."""

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.accessibility import CARRIED, PHONE, VIEWS, faults, focused, poor_contrasts
from tests.browser.earlier import drawn, failed
from tests.browser.pictures.source_pictures import PictureField, with_parameters
from tests.browser.studio import SteppedGenerator, Studio
from tests.http.conftest import Service


@pytest.mark.parametrize("view", [PHONE, PHONE | {"color_scheme": "dark"}])
def test_nothing_is_wider_than_a_phone(
    studio: Studio, generator: SteppedGenerator, view: dict[str, Any]
) -> None:
    studio.open()
    assert studio.width_to_scroll() == 0
    studio.sign_in()
    assert studio.width_to_scroll() == 0
    generator.held = True
    studio.unfold().page.get_by_role("radio", name="4").check()
    studio.field("File format").select_option("jpeg")
    studio.draw("w" * 200)
    expect(studio.bar).to_have_attribute("value", "1")
    expect(studio.bar).to_be_in_viewport()
    assert studio.width_to_scroll() == 0
    generator.held = False
    expect(studio.pictures).to_have_count(4)
    assert studio.width_to_scroll() == 0
    generator.failures.append(RuntimeError("x"))
    studio.draw("again", Width="99999999999")
    expect(studio.page.locator("#width-error")).to_be_visible()
    assert studio.width_to_scroll() == 0
    studio.draw("again", Width="512")
    expect(studio.stage).to_contain_text("could not be drawn")
    assert studio.width_to_scroll() == 0


def test_the_page_works_with_a_keyboard_alone(studio: Studio, generator: SteppedGenerator) -> None:
    page = studio.open().page
    press = page.keyboard.press
    page.keyboard.type("key-of-the-tests")
    press("Enter")
    expect(studio.prompt).to_be_focused()
    page.keyboard.type("a red circle")
    order = ["prompt"]
    for _ in range(30):
        press("Tab")
        order.append(focused(page))
        # The focus is visible.
        assert page.evaluate("document.activeElement.matches(':focus-visible')")
        if order[-1].startswith("More settings"):
            break
    wanted = [
        *("prompt", "draw", "choose-picture", "negative_prompt", "model_id"),
        *("swap", "seed", "dice", "lock"),
    ]
    assert [name for name in order if name in wanted] == wanted
    press("Enter")
    expect(studio.field("Steps")).to_be_visible()
    press("Shift+Tab")
    generator.held = True
    press("Control+Enter")
    expect(studio.bar).to_have_attribute("value", "1")
    generator.held = False
    expect(studio.pictures).to_have_count(1)
    studio.button("Open large").focus()
    press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    for name in ("Copy seed", "Download", "Use these settings", "Vary", "Next seed"):
        press("Tab")
        assert focused(page).startswith(name)
    press("Shift+Tab")
    press("Shift+Tab")
    press("Enter")
    expect(studio.prompt).to_be_focused()


def test_the_focus_stays_near_after_a_keyboard_cancel(
    studio: Studio, generator: SteppedGenerator
) -> None:
    generator.held = True
    studio.sign_in().draw()
    studio.button("Cancel").focus()
    # Draw on only once the service knows of the cancel; otherwise the job may end first.
    with studio.page.expect_response(lambda answer: answer.request.method == "DELETE"):
        studio.page.keyboard.press("Enter")
    generator.held = False
    expect(studio.stage).to_contain_text("Cancelled")
    expect(studio.stage).to_be_focused()


@pytest.mark.parametrize("view", VIEWS)
def test_axe_finds_no_fault(studio: Studio, service: Service, view: dict[str, Any]) -> None:
    """Apply axe-core's rules for WCAG 2.2 A and AA, and its best practices, in every state."""
    page = studio.open().page
    assert faults(page) == []
    studio.sign_in()
    expect(studio.page.get_by_role("button", name="a beautiful landscape")).to_be_visible()
    assert faults(page) == []
    failed(service, 1)
    drawn(service, 3, num_images=2)
    studio.unfold()
    studio.draw("a red circle", Width="1")
    expect(page.locator("#width-error")).to_be_visible()
    assert faults(page) == []
    studio.draw("a red circle", Width="512")
    expect(studio.pictures).to_have_count(1)
    assert faults(page) == []
    studio.button("Open large").click()
    expect(page.locator("#viewer img[src]")).to_have_count(1)
    assert faults(page) == []
    page.keyboard.press("Delete")
    expect(page.locator("#confirm")).to_be_visible()
    assert faults(page) == []
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    studio.turn_to("Pictures")
    studio.button("Choose several").click()
    studio.tiles.nth(1).click()
    assert faults(page) == []
    studio.button("Done").click()
    studio.tiles.nth(4).click()
    expect(studio.stage).to_contain_text("could not be drawn")
    assert faults(page) == []


@pytest.mark.parametrize("view", [VIEWS[0], VIEWS[-1]])
def test_axe_finds_no_fault_with_pictures(studio: Studio, view: dict[str, Any]) -> None:
    page = studio.sign_in().unfold().page
    picture = PictureField(studio).choose(with_parameters(CARRIED))
    expect(picture.card).to_contain_text("a lake")
    page.locator("#larger summary").click()
    studio.field("Second pass").check()
    assert faults(page) == []
    picture.paint()
    picture.stroke([(0.5, 0.5)])
    assert faults(page) == []
    picture.finish()
    page.get_by_text("Mask settings").click()
    assert faults(page) == []
    studio.draw("a lake at night")
    expect(studio.pictures).to_have_count(1)
    assert faults(page) == []
    assert studio.width_to_scroll() == 0
    studio.stage.get_by_role("button", name="Before and after").click()
    expect(page.locator(".compare-slider")).to_be_focused()
    assert faults(page) == []
    page.keyboard.press("Escape")
    studio.stage.get_by_role("button", name="Upscale").click()
    expect(page.locator("#upscale-dialog")).to_be_visible()
    assert faults(page) == []


@pytest.mark.parametrize("view", [{"color_scheme": "light"}, {"color_scheme": "dark"}])
def test_text_about_pictures_has_enough_contrast(studio: Studio, view: dict[str, Any]) -> None:
    studio.sign_in().unfold()
    PictureField(studio).choose(with_parameters(CARRIED))
    expect(PictureField(studio).card).to_contain_text("a lake")
    studio.page.locator("#larger summary").click()
    assert poor_contrasts(studio.page) == []


def test_every_control_has_a_name(studio: Studio) -> None:
    studio.sign_in().draw()
    expect(studio.pictures).to_have_count(1)
    nameless = studio.page.evaluate(
        """() => [...document.querySelectorAll(
            "button, input:not([type=hidden]), select, textarea, a, progress")]
        .filter((each) => !(each.labels?.length || each.getAttribute("aria-label")
            || each.textContent.trim()))
        .map((each) => each.outerHTML)"""
    )
    assert nameless == []


@pytest.mark.parametrize("view", [{"color_scheme": "light"}, {"color_scheme": "dark"}])
def test_text_has_enough_contrast(studio: Studio, view: dict[str, Any]) -> None:
    """Check WCAG 2.2, 1.4.3: a ratio of at least 4.5 to 1."""
    studio.open()
    assert poor_contrasts(studio.page) == []
    studio.sign_in().draw("a red circle", Width="1")
    expect(studio.page.locator("#width-error")).to_be_visible()
    assert poor_contrasts(studio.page) == []
    studio.draw("a red circle", Width="512")
    expect(studio.pictures).to_have_count(1)
    assert poor_contrasts(studio.page) == []


@pytest.mark.parametrize("view", [{"reduced_motion": "reduce"}])
def test_nothing_moves_with_reduced_motion(
    studio: Studio, generator: SteppedGenerator, view: dict[str, Any]
) -> None:
    generator.held = True
    studio.sign_in().draw()
    expect(studio.bar).to_have_attribute("value", "1")
    assert studio.page.evaluate("document.getAnimations().length") == 0


def test_the_content_policy_blocks_what_the_page_does_not_need(studio: Studio) -> None:
    studio.open()
    for attempt in (
        "document.body.append(Object.assign(document.createElement('img'),"
        "{src: 'http://127.0.0.1:9/x.png'}))",
        "document.body.setAttribute('style', 'color: red')",
        "try { document.body.innerHTML = '<b>x</b>' } catch {}",
    ):
        studio.page.evaluate(attempt)
    studio.page.wait_for_timeout(100)
    violated = "".join(fault for fault in studio.faults if "policy violated" in fault)
    for directive in ("img-src", "style-src-attr", "require-trusted-types-for"):
        assert directive in violated
    studio.faults.clear()
