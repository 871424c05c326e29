"""Finished pictures show their add-ons, and their settings bring the add-ons back."""

import pytest
from playwright.sync_api import Route, expect

from domain.generation.forms.flat import flat_parts
from domain.generation.parts import PromptSyntax
from domain.models.record import ModelKind
from tests.browser.addons.addon_models import (
    CHECKPOINT,
    EMBEDDING,
    LORA,
    OTHER_LORA,
    OUTLINES,
    VAE,
    AddonField,
    with_addons,
)
from tests.browser.pictures.source_pictures import PictureField, fact, payload, with_parameters
from tests.browser.studio import SteppedGenerator, Studio
from tests.http.conftest import Service

FOREIGN = (
    "a fox, <lora:papercut:0.8> papercut <lora:gone:1>\nNegative prompt: EasyNegative\n"
    f"Steps: 22, Sampler: DPM++ 2M, CFG scale: 6.5, Seed: 42, Size: 384x256, Model hash: "
    f"{CHECKPOINT.id[:10]}, VAE hash: {VAE.id[:10]}, VAE: other-name.vae.pt, Clip skip: 2, "
    'Lora hashes: "papercut: 0123456789ab, gone: ba9876543210", '
    'TI hashes: "EasyNegative: 66a7279a88dd", '
    'ControlNet 0: "Module: canny, Model: outlines [0123abcd], Weight: 0.7, Resize Mode: Resize '
    "and Fill, Threshold A: 50, Threshold B: 150, Guidance Start: 0.1, Guidance End: 0.9, Pixel "
    'Perfect: True, Control Mode: ControlNet is more important", Version: v1.10.1'
)


@pytest.fixture
def field(studio: Studio, service: Service) -> AddonField:
    with_addons(service)
    studio.sign_in()
    return AddonField(studio)


def test_a_finished_picture_shows_its_add_ons_and_brings_them_back(
    field: AddonField, studio: Studio, generator: SteppedGenerator
) -> None:
    field.open().add(LORA).add(EMBEDDING).add(VAE).add(OUTLINES)
    studio.button("EasyNegative in the negative prompt").click()
    studio.field("Weighted prompts").check()
    studio.field("Scale of papercut.safetensors").fill("0.8")
    card = field.card(ModelKind.CONTROLNET)
    card.locator("input[type=file]").set_input_files(payload(with_parameters("x", 64, 48)))
    studio.field("End of outlines.safetensors").fill("0.75")
    studio.draw("a fox")
    expect(studio.pictures).to_have_count(1)
    (drawn,) = generator.drawn
    assert [(each.model_id, each.scale) for each in drawn.loras] == [(LORA.id, 0.8)]
    assert [(each.model_id, each.token) for each in drawn.embeddings] == [
        (EMBEDDING.id, "EasyNegative")
    ]
    assert (drawn.vae_id, drawn.prompt_syntax) == (VAE.id, PromptSyntax.WEIGHTED)
    (control,) = drawn.controls
    assert (control.model_id, control.end, control.image.width) == (OUTLINES.id, 0.75, 64)
    assert control.preprocessor is not None
    expect(fact(studio, "LoRA")).to_have_text("papercut.safetensors × 0.8")
    expect(fact(studio, "Embedding")).to_have_text("EasyNegative")
    expect(fact(studio, "VAE")).to_have_text("soft.vae.safetensors")
    expect(fact(studio, "Weights")).to_have_text("read in the prompts")
    expect(fact(studio, "ControlNet")).to_have_text(
        "outlines.safetensors × 1, canny 100–200, from 0 to 0.75"
    )
    for record in (LORA, EMBEDDING, VAE, OUTLINES):
        studio.button(f"Remove {record.name}").click()
    studio.field("Weighted prompts").uncheck()
    expect(field.summary).to_have_text("4 LoRAs · 1 embedding · 1 VAE · 1 ControlNet")
    studio.button("Use these settings").click()
    expect(studio.field("Scale of papercut.safetensors")).to_have_value("0.8")
    expect(studio.field("End of outlines.safetensors")).to_have_value("0.75")
    expect(card.get_by_role("img", name="Map")).not_to_have_js_property("naturalWidth", 0)
    studio.draw_button.click()
    expect(studio.tiles).to_have_count(2)
    expect(studio.pictures).to_have_count(1)
    assert flat_parts(generator.drawn[1]) == flat_parts(drawn)


def test_settings_without_add_ons_take_them_away(
    field: AddonField, studio: Studio, generator: SteppedGenerator
) -> None:
    studio.draw("a lake")
    expect(studio.pictures).to_have_count(1)
    field.open().add(LORA)
    studio.field("Weighted prompts").check()
    studio.button("Use these settings").click()
    expect(studio.page.locator(".addon")).to_have_count(0)
    expect(studio.field("Weighted prompts")).not_to_be_checked()
    studio.draw_button.click()
    expect(studio.tiles).to_have_count(2)
    assert generator.drawn[1].loras == ()


def test_an_add_on_of_an_earlier_picture_that_is_gone_is_said(
    field: AddonField, studio: Studio, service: Service
) -> None:
    field.open().add(LORA).add(OTHER_LORA)
    studio.draw("a fox")
    expect(studio.pictures).to_have_count(1)
    with_addons(service, OTHER_LORA)
    studio.page.evaluate("window.dispatchEvent(new Event('focus'))")
    expect(field.summary).to_have_text("ink.safetensors × 1 · 1 not used")
    studio.button("Use these settings").click()
    card = field.card(ModelKind.LORA)
    expect(card).to_contain_text(f"model {LORA.id[:10]}")
    expect(card).to_contain_text("Not used: it is not there any more.")
    assert field.asked()["loras"] == [{"model_id": OTHER_LORA.id, "scale": 1}]


def test_a_picture_of_automatic1111_brings_back_its_add_ons(
    field: AddonField, studio: Studio
) -> None:
    picture = PictureField(studio).choose(with_parameters(FOREIGN))
    picture.card.get_by_role("button", name="Use only the settings").click()
    # Found by its name, as its hash is that of other bytes; the VAE by its hash.
    expect(studio.prompt).to_have_value("a fox, papercut")
    field.open()
    expect(studio.field("Scale of papercut.safetensors")).to_have_value("0.8")
    expect(field.card(ModelKind.VAE)).to_contain_text("soft.vae.safetensors")
    expect(field.card(ModelKind.EMBEDDING)).to_contain_text("Its word is «EasyNegative».")
    expect(studio.page.locator("#clip_skip")).to_have_value("2")
    expect(studio.field("Weighted prompts")).to_be_checked()
    name = OUTLINES.name
    for label, value in {
        "Weight": "0.7",
        "Start": "0.1",
        "End": "0.9",
        "Low": "50",
        "High": "150",
        "Where the shape differs": "pad",
        "What counts more": "control",
    }.items():
        expect(studio.field(f"{label} of {name}")).to_have_value(value)
    # The picture of a control is in no file.
    studio.draw_button.click()
    expect(field.card(ModelKind.CONTROLNET)).to_contain_text("needs a picture")


def test_what_a_picture_names_and_is_not_here_is_said(field: AddonField, studio: Studio) -> None:
    picture = PictureField(studio).choose(with_parameters(FOREIGN))
    picture.card.get_by_role("button", name="Use the settings").click()
    expect(picture.card).to_contain_text("Not here: the LoRA gone.")


def test_a_refused_add_on_is_explained_at_its_card(field: AddonField, studio: Studio) -> None:
    def refuse(route: Route) -> None:
        rows = [{"field": "loras[1].model_id", "message": "has modules that fit nowhere"}]
        body = {"title": "x", "status": 422, "code": "addon_mismatch", "detail": "x"}
        route.fulfill(status=422, json=body | {"errors": rows})

    studio.page.route("**/v1/jobs", refuse)
    field.open().add(LORA).add(OTHER_LORA)
    studio.page.locator("#addons > summary").click()
    studio.draw("a fox")
    card = field.card(ModelKind.LORA, 1)
    expect(card).to_be_visible()
    expect(card).to_contain_text("This LoRA has modules that fit nowhere.")
    expect(card.locator("h4")).to_be_focused()
    # The message goes with the next change.
    studio.field("Scale of ink.safetensors").fill("0.5")
    studio.draw_button.focus()
    expect(card).not_to_contain_text("fit nowhere")
