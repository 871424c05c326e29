"""Trigger words and the words of embeddings are put into the prompts with a click."""

import pytest
from playwright.sync_api import expect

from domain.models.record import ModelKind
from tests.browser.addons.addon_models import EMBEDDING, LORA, AddonField, with_addons
from tests.browser.studio import Studio
from tests.http.conftest import Service


@pytest.fixture
def field(studio: Studio, service: Service) -> AddonField:
    with_addons(service)
    studio.sign_in()
    return AddonField(studio).open()


def test_a_trigger_word_is_put_into_the_prompt_once(field: AddonField, studio: Studio) -> None:
    field.add(LORA)
    studio.prompt.fill("a fox, ")
    word = field.card(ModelKind.LORA).get_by_role("button", name="papercut", exact=True)
    expect(word).to_have_attribute("aria-pressed", "false")
    word.click()
    expect(studio.prompt).to_have_value("a fox, papercut")
    expect(word).to_have_attribute("aria-pressed", "true")
    word.click()
    expect(studio.prompt).to_have_value("a fox")
    studio.prompt.fill("Papercut of a fox, papercuts")
    expect(word).to_have_attribute("aria-pressed", "true")
    word.click()
    expect(studio.prompt).to_have_value("of a fox, papercuts")


def test_an_empty_prompt_gets_the_word_alone(field: AddonField, studio: Studio) -> None:
    field.add(LORA)
    field.card(ModelKind.LORA).get_by_role("button", name="papercut", exact=True).press("Enter")
    expect(studio.prompt).to_have_value("papercut")


def test_brackets_of_a_word_are_escaped_in_a_weighted_prompt(
    field: AddonField, studio: Studio
) -> None:
    field.add(LORA)
    word = field.card(ModelKind.LORA).get_by_role("button", name="paper (layered)")
    word.click()
    expect(studio.prompt).to_have_value("paper (layered)")
    word.click()
    studio.field("Weighted prompts").check()
    word.click()
    expect(studio.prompt).to_have_value(r"paper \(layered\)")
    expect(word).to_have_attribute("aria-pressed", "true")
    studio.field("Weighted prompts").uncheck()
    word.click()
    expect(studio.prompt).to_have_value("")


def test_more_trigger_words_are_shown_on_demand(field: AddonField, studio: Studio) -> None:
    field.add(LORA)
    card = field.card(ModelKind.LORA)
    expect(card.locator(".word:visible")).to_have_count(9)
    card.get_by_role("button", name="4 more").click()
    expect(card.locator(".word:visible")).to_have_count(12)
    expect(card.get_by_role("button", name="tag 6")).to_be_focused()


def test_the_word_of_an_embedding_goes_into_either_prompt(
    field: AddonField, studio: Studio
) -> None:
    field.add(EMBEDDING)
    card = field.card(ModelKind.EMBEDDING)
    expect(card).to_contain_text("Its word is «EasyNegative».")
    expect(card).to_contain_text("in neither prompt")
    card.get_by_role("button", name="EasyNegative in the negative prompt").click()
    negative = studio.page.locator("#negative_prompt")
    expect(negative).to_have_value("EasyNegative")
    expect(card).not_to_contain_text("in neither prompt")
    card.get_by_role("button", name="EasyNegative in the prompt").click()
    expect(studio.prompt).to_have_value("EasyNegative")
    assert field.asked()["embeddings"] == [{"model_id": EMBEDDING.id, "token": "EasyNegative"}]
    negative.fill("a blur")
    studio.prompt.fill("a fox")
    expect(card).to_contain_text("in neither prompt")
