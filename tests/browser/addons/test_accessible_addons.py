"""Accessibility of the add-ons: a keyboard alone, a small screen, a dark room."""

from typing import Any

import pytest
from playwright.sync_api import expect

from domain.models.record import ModelKind
from tests.browser.accessibility import CARRIED, VIEWS, faults, focused, poor_contrasts
from tests.browser.addons.addon_models import (
    EMBEDDING,
    LORA,
    OUTLINES,
    VAE,
    XL_CHECKPOINT,
    AddonField,
    with_addons,
)
from tests.browser.pictures.source_pictures import payload, with_parameters
from tests.browser.studio import Studio
from tests.http.conftest import Service


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
    assert poor_contrasts(studio.page) == []
    field.picker(ModelKind.LORA)
    assert poor_contrasts(studio.page) == []
    studio.page.keyboard.press("Escape")
    studio.model.select_option(XL_CHECKPOINT.id)
    expect(field.card(ModelKind.LORA)).to_contain_text("Not used")
    assert poor_contrasts(studio.page) == []


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
