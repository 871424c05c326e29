"""Accessibility: a small screen, a keyboard alone, a dark room; and a strict content policy."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from domain.models.record import ModelKind
from tests.browser.addons.addon_models import (
    EMBEDDING,
    LORA,
    OUTLINES,
    VAE,
    XL_CHECKPOINT,
    AddonField,
    with_addons,
)
from tests.browser.earlier import drawn, failed
from tests.browser.pictures.source_pictures import PictureField, payload, with_parameters
from tests.browser.studio import SteppedGenerator, Studio
from tests.http.conftest import Service

DESK = {"viewport": {"width": 1280, "height": 800}}
PHONE = {"viewport": {"width": 360, "height": 640}, "has_touch": True, "is_mobile": True}
CARRIED = "a lake\nSteps: 4, Seed: 1, CFG scale: 3"
VIEWS = [
    size | {"color_scheme": theme, "reduced_motion": "reduce"}
    for size in (DESK, PHONE)
    for theme in ("light", "dark")
]


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


def faults(page: Page) -> list[str]:
    """Return what axe-core finds wrong with the page in its current state."""
    # Nothing is judged during a transition of colours.
    page.evaluate("Promise.all(document.getAnimations().map((each) => each.finished))")
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [
        f"{rule['id']}: {node['html'][:120]} {node['failureSummary']}"
        for rule in found
        for node in rule["nodes"]
    ]


def focused(page: Page) -> str:
    """Return the name of the focused element."""
    name: str = page.evaluate(
        "(({id, ariaLabel, textContent}) => id || ariaLabel || textContent.trim())"
        "(document.activeElement)"
    )
    return name


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


def chosen_addons(studio: Studio, service: Service) -> AddonField:
    """Open the add-ons, and choose one of each kind and one that does not fit the model."""
    with_addons(service)
    studio.sign_in().unfold()
    studio.field("Weighted prompts").check()
    field = AddonField(studio).open()
    for each in (LORA, EMBEDDING, VAE, OUTLINES):
        field.add(each)
    card = field.card(ModelKind.CONTROLNET)
    card.locator("input[type=file]").set_input_files(payload(with_parameters(CARRIED, 64, 48)))
    expect(card.get_by_role("img", name="Map")).not_to_have_js_property("naturalWidth", 0)
    return field


@pytest.mark.parametrize("view", [VIEWS[0], VIEWS[-1]])
def test_axe_finds_no_fault_with_add_ons(
    studio: Studio, service: Service, view: dict[str, Any]
) -> None:
    field = chosen_addons(studio, service)
    assert faults(studio.page) == []
    assert studio.width_to_scroll() == 0
    field.picker(ModelKind.LORA)
    assert faults(studio.page) == []
    studio.page.keyboard.press("Escape")
    studio.model.select_option(XL_CHECKPOINT.id)
    expect(field.card(ModelKind.LORA)).to_contain_text("Not used")
    assert faults(studio.page) == []


@pytest.mark.parametrize("view", [{"color_scheme": "light"}, {"color_scheme": "dark"}])
def test_text_about_add_ons_has_enough_contrast(
    studio: Studio, service: Service, view: dict[str, Any]
) -> None:
    field = chosen_addons(studio, service)
    assert studio.page.evaluate(_CONTRAST) == []
    field.picker(ModelKind.LORA)
    assert studio.page.evaluate(_CONTRAST) == []
    studio.page.keyboard.press("Escape")
    studio.model.select_option(XL_CHECKPOINT.id)
    expect(field.card(ModelKind.LORA)).to_contain_text("Not used")
    assert studio.page.evaluate(_CONTRAST) == []


def test_add_ons_are_chosen_with_a_keyboard_alone(studio: Studio, service: Service) -> None:
    with_addons(service)
    page = studio.sign_in().page
    press = page.keyboard.press
    page.locator("#addons > summary").focus()
    press("Enter")
    expect(page.locator("#add-lora")).to_be_visible()
    press("Tab")
    assert focused(page) == "add-lora"
    press("Enter")
    expect(page.locator("#picker-search")).to_be_focused()
    page.keyboard.type("papercut")
    press("Enter")  # does not close the list
    press("Tab")  # the family
    press("Tab")
    press("Space")
    press("Tab")
    assert focused(page) == "Done"
    press("Enter")
    expect(page.locator("#addon-picker")).to_have_count(0)
    expect(page.locator("#add-lora")).to_be_focused()
    for name in ("lora-0-remove", "Scale of papercut.safetensors, slider", "lora-0-scale"):
        press("Tab")
        assert focused(page) == name
        assert page.evaluate("document.activeElement.matches(':focus-visible')")
    press("Tab")
    press("Space")
    expect(studio.prompt).to_have_value("papercut")


@pytest.mark.parametrize("view", [{"color_scheme": "light"}, {"color_scheme": "dark"}])
def test_text_about_pictures_has_enough_contrast(studio: Studio, view: dict[str, Any]) -> None:
    studio.sign_in().unfold()
    PictureField(studio).choose(with_parameters(CARRIED))
    expect(PictureField(studio).card).to_contain_text("a lake")
    studio.page.locator("#larger summary").click()
    assert studio.page.evaluate(_CONTRAST) == []


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


_CONTRAST = """() => {
  const channel = (v) => ((v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const numbers = (colour) => colour.match(/[0-9.]+/g).map(Number);
  const ground = (element) => {
    for (; element; element = element.parentElement) {
      const colour = numbers(getComputedStyle(element).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const poor = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!own || !element.checkVisibility() || element.closest(".sr-only, option")) continue;
    const [a, b] = [numbers(getComputedStyle(element).color), ground(element)].map(light);
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 4.5) poor.push(`${contrast.toFixed(2)} ${element.outerHTML.slice(0, 80)}`);
  }
  return poor;
}"""


@pytest.mark.parametrize("view", [{"color_scheme": "light"}, {"color_scheme": "dark"}])
def test_text_has_enough_contrast(studio: Studio, view: dict[str, Any]) -> None:
    """Check WCAG 2.2, 1.4.3: a ratio of at least 4.5 to 1."""
    studio.open()
    assert studio.page.evaluate(_CONTRAST) == []
    studio.sign_in().draw("a red circle", Width="1")
    expect(studio.page.locator("#width-error")).to_be_visible()
    assert studio.page.evaluate(_CONTRAST) == []
    studio.draw("a red circle", Width="512")
    expect(studio.pictures).to_have_count(1)
    assert studio.page.evaluate(_CONTRAST) == []


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
