"""Add-ons are chosen from lists that say what fits."""

from typing import Any

import pytest
from playwright.sync_api import Route, expect

from domain.models.record import ModelKind
from tests.browser.addons.addon_models import (
    CHECKPOINT,
    EMBEDDING,
    LORA,
    OTHER_LORA,
    OUTLINES,
    SDXL_LORA,
    UNUSABLE,
    VAE,
    XL_CHECKPOINT,
    AddonField,
    addon,
    with_addons,
)
from tests.browser.studio import PHONE, Studio
from tests.http.conftest import Service

MANY = tuple(
    addon(ModelKind.LORA, f"style-{number:02}-{'x' * 100}.safetensors") for number in range(60)
)


def test_without_add_ons_the_form_has_no_place_for_them(studio: Studio) -> None:
    studio.sign_in()
    expect(studio.page.locator("#addons")).to_be_hidden()
    body = AddonField(studio)
    studio.prompt.fill("a lake")
    assert not {"loras", "embeddings", "vae_id", "controls"} & body.asked().keys()


def test_what_handles_add_ons_loads_when_a_person_opens_them(
    studio: Studio, service: Service
) -> None:
    with_addons(service)
    studio.sign_in()
    field = AddonField(studio)
    expect(field.summary).to_have_text("4 LoRAs · 1 embedding · 1 VAE · 1 ControlNet")
    assert [url for url in studio.requests if "/addons/" in url] == []
    field.open()
    loaded = {url.rsplit("/", 1)[1] for url in studio.requests if "/addons/" in url}
    assert {"section.js", "picker.js", "addons.css"} <= loaded


def test_only_the_kinds_that_are_there_have_a_place(studio: Studio, service: Service) -> None:
    with_addons(service, LORA)
    studio.sign_in()
    AddonField(studio).open()
    expect(studio.page.locator("#addons-body h3")).to_have_text(["LoRAs"])


def test_several_loras_with_their_scales(studio: Studio, service: Service) -> None:
    with_addons(service)
    studio.sign_in()
    field = AddonField(studio).open().add(LORA).add(OTHER_LORA)
    studio.field("Scale of papercut.safetensors").fill("0.8")
    slider = studio.field("Scale of ink.safetensors, slider")
    slider.press("ArrowLeft")
    expect(studio.field("Scale of ink.safetensors")).to_have_value("0.95")
    expect(field.summary).to_have_text("papercut.safetensors × 0.8 · ink.safetensors × 0.95")
    studio.prompt.fill("a fox")
    body = field.asked()
    assert body["loras"] == [
        {"model_id": LORA.id, "scale": 0.8},
        {"model_id": OTHER_LORA.id, "scale": 0.95},
    ]
    studio.button("Remove papercut.safetensors").click()
    expect(studio.page.locator("#add-lora")).to_be_focused()
    assert field.asked()["loras"] == [{"model_id": OTHER_LORA.id, "scale": 0.95}]


def test_an_empty_scale_is_left_to_the_service_and_a_wrong_one_is_explained(
    studio: Studio, service: Service
) -> None:
    with_addons(service)
    studio.sign_in()
    field = AddonField(studio).open().add(LORA)
    studio.prompt.fill("a fox")
    scale = studio.field("Scale of papercut.safetensors")
    scale.fill("")
    assert field.asked()["loras"] == [{"model_id": LORA.id}]
    scale.press_sequentially("1e")
    studio.draw_button.click()
    expect(field.card(ModelKind.LORA)).to_contain_text("Scale must be a number.")
    assert len(field.bodies) == 1


def test_what_does_not_fit_is_greyed_with_the_reason(studio: Studio, service: Service) -> None:
    with_addons(service)
    studio.sign_in()
    field = AddonField(studio).open()
    field.picker(ModelKind.LORA)
    names = field.dialog.locator(".picker-name")
    expect(names).to_have_text([each.name for each in (OTHER_LORA, LORA, UNUSABLE, SDXL_LORA)])
    expect(field.row(LORA)).to_contain_text("sd-1 · rank 16")
    expect(field.row(SDXL_LORA)).to_contain_text("Is for sdxl, and a.safetensors is sd-1")
    expect(field.row(UNUSABLE)).to_contain_text("Is cut off")
    for record in (SDXL_LORA, UNUSABLE):
        box = field.row(record).get_by_role("checkbox")
        expect(box).to_have_attribute("aria-disabled", "true")
        # A click and the keyboard choose nothing, and the reason is read with the name.
        box.click(force=True)
        box.focus()
        studio.page.keyboard.press("Space")
        expect(box).not_to_be_checked()
        assert box.get_attribute("aria-describedby")
    studio.page.keyboard.press("Escape")
    expect(studio.page.locator("#add-lora")).to_be_focused()
    expect(studio.page.locator(".addon")).to_have_count(0)


def test_an_add_on_that_fits_another_model_alone_is_not_sent(
    studio: Studio, service: Service
) -> None:
    with_addons(service)
    studio.sign_in()
    field = AddonField(studio).open().add(LORA)
    studio.prompt.fill("a fox")
    studio.model.select_option(XL_CHECKPOINT.id)
    card = field.card(ModelKind.LORA)
    expect(card).to_contain_text("Not used: it is for sd-1, and b-xl.safetensors is sdxl.")
    expect(field.summary).to_have_text("1 not used")
    field.add(SDXL_LORA)
    assert field.asked()["loras"] == [{"model_id": SDXL_LORA.id, "scale": 1}]
    studio.model.select_option(CHECKPOINT.id)
    expect(card).not_to_contain_text("Not used")
    assert field.asked()["loras"] == [{"model_id": LORA.id, "scale": 1}]


def test_a_removed_file_is_said_to_be_gone(studio: Studio, service: Service) -> None:
    with_addons(service)
    studio.sign_in()
    field = AddonField(studio).open().add(LORA)
    with_addons(service, OTHER_LORA)
    studio.page.evaluate("window.dispatchEvent(new Event('focus'))")
    expect(field.card(ModelKind.LORA)).to_contain_text("Not used: it is not there any more.")
    studio.prompt.fill("a fox")
    assert "loras" not in field.asked()


def test_many_add_ons_are_searched_and_filtered(studio: Studio, service: Service) -> None:
    with_addons(service, *MANY, SDXL_LORA)
    studio.sign_in()
    field = AddonField(studio).open()
    dialog = field.picker(ModelKind.LORA)
    shown = dialog.locator("li:visible")
    expect(shown).to_have_count(61)
    expect(dialog.get_by_role("button", name="Done")).to_be_in_viewport()
    studio.field("Search by name").fill("style 07")
    expect(shown).to_have_count(1)
    studio.field("Search by name").fill("nothing like it")
    expect(dialog).to_contain_text("Nothing here fits.")
    studio.field("Search by name").fill("")
    studio.field("Family").select_option("sdxl")
    expect(shown).to_have_count(1)
    studio.field("Family").select_option("sd-1")
    expect(shown).to_have_count(60)


def test_no_more_than_the_service_takes_can_be_chosen(studio: Studio, service: Service) -> None:
    with_addons(service, *MANY)
    studio.sign_in()
    field = AddonField(studio).open()
    boxes = field.picker(ModelKind.LORA).get_by_role("checkbox")
    for number in range(8):
        boxes.nth(number).check()
    expect(field.dialog).to_contain_text("8 are the most that a drawing can have")
    boxes.nth(8).click(force=True)
    expect(boxes.nth(8)).not_to_be_checked()
    boxes.nth(0).uncheck()
    boxes.nth(8).check()
    studio.button("Done").click()
    expect(studio.page.locator(".addon")).to_have_count(8)


def test_a_vae_is_chosen_changed_and_given_up(studio: Studio, service: Service) -> None:
    other = addon(ModelKind.VAE, "sharp.vae.safetensors")
    with_addons(service, VAE, other)
    studio.sign_in()
    field = AddonField(studio).open().add(VAE)
    studio.prompt.fill("a fox")
    assert field.asked()["vae_id"] == VAE.id
    field.add(other)
    expect(field.summary).to_have_text("sharp.vae.safetensors")
    assert field.asked()["vae_id"] == other.id
    studio.button("Remove sharp.vae.safetensors").click()
    assert "vae_id" not in field.asked()


def test_choices_stay_for_the_next_tab(studio: Studio, service: Service) -> None:
    with_addons(service)
    studio.sign_in()
    AddonField(studio).open().add(LORA).add(EMBEDDING)
    studio.field("Scale of papercut.safetensors").fill("0.5")
    other = studio.page.context.new_page()
    other.goto(studio.url)
    other.get_by_label("API key or token").fill("key-of-the-tests")
    other.keyboard.press("Enter")
    expect(other.locator("#addons-now")).to_have_text(
        "papercut.safetensors × 0.5 · EasyNegative.safetensors"
    )
    other.locator("#addons > summary").click()
    expect(other.get_by_label("Scale of papercut.safetensors", exact=True)).to_have_value("0.5")


@pytest.mark.parametrize("view", [PHONE])
def test_a_phone_has_room_for_long_names(
    studio: Studio, service: Service, view: dict[str, Any]
) -> None:
    with_addons(service, *MANY, OUTLINES)
    studio.sign_in()
    field = AddonField(studio).open()
    field.picker(ModelKind.LORA)
    assert studio.width_to_scroll() == 0
    field.row(MANY[0]).get_by_role("checkbox").check()
    studio.button("Done").click()
    field.add(OUTLINES)
    assert studio.width_to_scroll() == 0
    expect(field.card(ModelKind.CONTROLNET)).to_contain_text("Where the shape differs")


def test_a_model_that_draws_without_add_ons_says_so(studio: Studio, service: Service) -> None:
    with_addons(service, LORA)

    def answer(route: Route) -> None:
        response = route.fetch()
        body = response.json()
        for model in body["models"]:
            model["schedulers"] = []
        route.fulfill(response=response, json=body)

    studio.page.route("**/v1/models", answer)
    studio.sign_in()
    field = AddonField(studio).open()
    field.picker(ModelKind.LORA)
    expect(field.row(LORA)).to_contain_text(
        "Does not work with a.safetensors: only Stable Diffusion 1, 2 and XL draw with add-ons"
    )
