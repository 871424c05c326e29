"""The form, and how its values get into the request."""

import dataclasses
import json

import pytest
from playwright.sync_api import Request, expect

from domain.samplers import Sampler, Scheduler
from tests.browser.studio import SteppedGenerator, Studio
from tests.fakes.model_source import model_record
from tests.http.conftest import MODEL, Service


def test_field_errors_are_shown_at_the_fields_and_keep_their_values(studio: Studio) -> None:
    studio.sign_in().draw("", Width="4096", Steps="0")
    expect(studio.page.locator("#width-error")).to_have_text(
        "Width is 4096; it must lie between 256 and 2048"
    )
    expect(studio.page.locator("#num_inference_steps-error")).to_contain_text("Steps is 0")
    expect(studio.page.locator("#prompt-error")).to_contain_text("Prompt has 0 characters")
    expect(studio.prompt).to_be_focused()
    expect(studio.field("Width")).to_have_attribute("aria-invalid", "true")
    expect(studio.field("Width")).to_have_value("4096")
    studio.draw("a circle", Width="512", Steps="3")
    expect(studio.pictures).to_have_count(1)
    expect(studio.page.locator(".field-error:visible")).to_have_count(0)


def test_text_that_is_not_a_number_is_not_an_empty_field(
    studio: Studio, generator: SteppedGenerator
) -> None:
    studio.sign_in().unfold().prompt.fill("a circle")
    studio.field("Steps").press_sequentially("e")
    studio.draw_button.click()
    expect(studio.page.locator("#num_inference_steps-error")).to_have_text("Steps must be a number")
    assert generator.drawn == []


def test_the_form_uses_the_limits_and_defaults_of_the_service(studio: Studio) -> None:
    studio.sign_in()
    expect(studio.field("Steps")).to_have_value("4")
    expect(studio.field("Steps")).to_have_attribute("max", "150")
    expect(studio.field("Guidance")).to_have_value("7.5")
    expect(studio.field("Width")).to_have_attribute("min", "256")
    expect(studio.page.locator(".segments input")).to_have_count(4)


def test_the_request_contains_every_field(studio: Studio, generator: SteppedGenerator) -> None:
    studio.sign_in()
    studio.button("3:2").click()
    studio.button("Swap width and height").click()
    studio.page.get_by_role("radio", name="3").check()
    studio.unfold().field("Sampler").select_option("Euler a")
    studio.field("File format").select_option("jpeg")
    studio.field("Quality").fill("70")
    studio.draw("a lake", Negative_prompt_what_to_keep_out="trees", Guidance="3.5", Seed="11")
    expect(studio.pictures).to_have_count(3)
    (request,) = generator.drawn
    assert (request.width, request.height, request.num_images, request.seed) == (416, 608, 3, 11)
    assert (request.scheduler, request.output_format, request.quality) == ("Euler a", "jpeg", 70)
    assert (request.negative_prompt, request.guidance_scale) == ("trees", 3.5)
    assert request.model_id == MODEL.id


def test_the_schedules_of_a_sampler_are_grouped(studio: Studio) -> None:
    studio.sign_in().unfold()
    groups = studio.page.locator("#scheduler optgroup")
    labels = [group.get_attribute("label") for group in groups.all()]
    assert labels == [each.value for each in Sampler if each.takes_schedules]
    for label, group in zip(labels, groups.all(), strict=True):
        expected = [name.value for name in Scheduler if name.sampler == label]
        assert group.locator("option").all_text_contents() == expected
    alone = studio.page.locator("#scheduler > option").all_text_contents()
    assert alone[1:] == [each.value for each in Sampler if not each.takes_schedules]


def test_earlier_settings_can_be_used_again(studio: Studio, generator: SteppedGenerator) -> None:
    studio.sign_in().draw("a lake", Steps="7", Seed="40", Width="256")
    expect(studio.pictures).to_have_count(1)
    studio.draw("something else", Steps="2", Seed="1", Width="512")
    expect(studio.stage).to_contain_text("Seed 1")
    studio.tiles.nth(1).click()
    expect(studio.stage).to_contain_text("Seed 40")
    studio.button("Use these settings").click()
    expect(studio.prompt).to_be_focused()
    expect(studio.prompt).to_have_value("a lake")
    expect(studio.field("Seed")).to_have_value("40")
    expect(studio.button("Keep this seed")).to_have_attribute("aria-pressed", "true")
    studio.draw_button.click()
    expect(studio.tiles).to_have_count(3)
    expect(studio.pictures).to_have_count(1)
    first, _, again = generator.drawn
    assert (again.seed, again.width, again.num_inference_steps) == (40, 256, 7)
    assert again.batch_key == first.batch_key


def test_a_seed_is_new_each_time_unless_it_is_locked(
    studio: Studio, generator: SteppedGenerator
) -> None:
    studio.sign_in()
    for number in (1, 2):
        studio.draw()
        expect(studio.tiles).to_have_count(number)
        expect(studio.pictures).to_have_count(1)
    studio.button("New random seed").click()
    thrown = studio.field("Seed").input_value()
    studio.draw()
    expect(studio.tiles).to_have_count(3)
    studio.button("Keep this seed").click()
    studio.draw()
    expect(studio.tiles).to_have_count(4)
    expect(studio.stage).to_contain_text(f"Seed {thrown}")
    expect(studio.pictures).to_have_count(1)
    seeds = [request.seed for request in generator.drawn]
    assert seeds[2:] == [int(thrown)] * 2
    assert len(set(seeds)) == 3


def test_without_models_the_page_says_where_to_put_one(studio: Studio, service: Service) -> None:
    service.source.files.clear()
    service.container.model_registry().refresh()
    studio.open().field("API key or token").fill("key-of-the-tests")
    studio.page.keyboard.press("Enter")
    expect(studio.page.locator("#no-model")).to_contain_text("ai-models/")
    service.source.files[MODEL.path] = b"weights"
    expect(studio.model).to_have_value(MODEL.id)
    expect(studio.page.locator("#no-model")).to_be_hidden()


def test_unusable_models_show_their_reason(studio: Studio, service: Service) -> None:
    lora = dataclasses.replace(model_record(b"lora", "models/l.safetensors"), reason="is a LoRA")
    service.source.others = (lora,)
    service.container.model_registry().refresh()
    studio.sign_in()
    option = studio.page.locator(f'#model_id option[value="{lora.id}"]')
    expect(option).to_be_disabled()
    expect(option).to_contain_text("is a LoRA")
    studio.page.get_by_text("1 file that cannot be drawn with").click()
    expect(studio.page.locator(".reasons")).to_have_text("l.safetensors is a LoRA")


@pytest.mark.parametrize("secure", [True, False])
def test_ids_are_unique_without_https_too(studio: Studio, secure: bool) -> None:
    if not secure:
        studio.page.add_init_script("delete Crypto.prototype.randomUUID")
    studio.sign_in()
    ids: list[str] = []

    def note(sent: Request) -> None:
        if sent.method == "POST":
            ids.append(json.loads(sent.post_data or "")["id"])

    studio.page.on("request", note)
    for number in (1, 2):
        studio.draw()
        expect(studio.tiles).to_have_count(number)
        expect(studio.pictures).to_have_count(1)
    assert len(set(ids)) == 2
    assert all(len(each.replace("-", "")) == 32 for each in ids)
    assert ("-" in ids[0]) is secure
