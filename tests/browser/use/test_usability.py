"""Comfort on the page: a first start, memory, estimates, messages that clear."""

import dataclasses
import re
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from tests.browser.earlier import drawn
from tests.browser.studio import PHONE, Server, SteppedGenerator, Studio
from tests.fakes.model_source import model_record
from tests.http.conftest import MODEL, Service


def with_models(studio: Studio, change: dict[str, Any]) -> None:
    """Replace the values that the service reports for its model."""

    def answer(route: Route) -> None:
        response = route.fetch()
        body = response.json()
        body["models"][0] |= change
        route.fulfill(response=response, json=body)

    studio.page.route("**/v1/models", answer)


def test_a_first_picture_is_one_click_away(studio: Studio, generator: SteppedGenerator) -> None:
    studio.sign_in()
    sample = studio.stage.locator(".sample").first
    expect(sample).to_have_text("a beautiful landscape with mountains and a lake")
    sample.click()
    expect(studio.pictures).to_have_count(1)
    expect(studio.prompt).to_have_value("a beautiful landscape with mountains and a lake")
    assert [request.prompt for request in generator.drawn] == [
        "a beautiful landscape with mountains and a lake"
    ]


def test_a_model_describes_what_it_draws(studio: Studio) -> None:
    with_models(
        studio,
        {"description": "Draws boats alone.", "sample_prompts": ["a boat", "<b>two</b> boats"]},
    )
    studio.sign_in()
    expect(studio.stage).to_contain_text("Draws boats alone.")
    expect(studio.stage.locator(".sample")).to_have_text(["a boat", "<b>two</b> boats"])


def test_shapes_follow_the_training_size_of_the_model(studio: Studio) -> None:
    with_models(
        studio,
        {
            "native_size": {"width": 1024, "height": 1024},
            "sizes": {"min": 256, "max": 2048, "max_pixels": 2_097_152},
        },
    )
    studio.sign_in()
    labels = studio.page.locator("#shapes .chip").evaluate_all(
        "chips => chips.map((chip) => chip.title)"
    )
    assert labels == ["1024 × 1024", "1152 × 896", "1216 × 832", "1344 × 768", "1536 × 640"]
    studio.button("16:9").click()
    studio.button("Swap width and height").click()
    studio.unfold()
    expect(studio.field("Width")).to_have_value("768")
    expect(studio.field("Height")).to_have_value("1344")
    expect(studio.field("Width")).to_have_attribute("max", "2048")
    expect(studio.page.locator("#size-bounds")).to_have_text("256–2048 pixels a side")


@pytest.mark.parametrize("side", [256, 512, 768, 1024])
def test_small_models_have_valid_shapes_too(studio: Studio, side: int) -> None:
    with_models(studio, {"native_size": {"width": side, "height": side}})
    studio.sign_in()
    expect(studio.page.locator("#size-now")).to_have_text(f"{side} × {side}")
    chips = studio.page.locator("#shapes .chip").evaluate_all(
        "chips => chips.map(({dataset: {width, height}}) => [Number(width), Number(height)])"
    )
    wanted = (1, 4 / 3, 3 / 2, 16 / 9, 21 / 9)
    for (width, height), ratio in zip(chips, wanted, strict=True):
        assert width / height == pytest.approx(ratio, rel=0.13)
        assert 256 <= height <= width <= 2048
    assert len(set(map(tuple, chips))) == 5


def test_choosing_a_model_sets_its_size(studio: Studio, service: Service) -> None:
    other = model_record(b"other", "models/b.safetensors")
    service.source.others = (dataclasses.replace(other),)
    service.source.files[other.path] = b"other"
    service.container.model_registry().refresh()

    def answer(route: Route) -> None:
        response = route.fetch()
        body = response.json()
        for model in body["models"]:
            if model["id"] == other.id:
                model["native_size"] = {"width": 1024, "height": 1024}
        route.fulfill(response=response, json=body)

    studio.page.route("**/v1/models", answer)
    studio.sign_in()
    expect(studio.page.locator("#size-now")).to_have_text("512 × 512")
    studio.model.select_option(other.id)
    expect(studio.page.locator("#size-now")).to_have_text("1024 × 1024")


def test_choosing_a_model_shows_its_defaults(studio: Studio, service: Service) -> None:
    other = model_record(b"other", "models/b.safetensors")
    service.source.files[other.path] = b"other"
    table = {"num_inference_steps": 2, "guidance_scale": 1.5, "scheduler": "LCM"}
    service.model_settings.document = {"b.safetensors": table}
    service.container.model_registry().refresh()
    studio.sign_in().unfold()
    steps, guidance = (studio.page.locator(f"#{name}") for name in list(table)[:2])
    own = studio.page.locator("#scheduler option").first
    expect(steps).to_have_value("4")
    studio.model.select_option(other.id)
    expect(steps).to_have_value("2")
    expect(guidance).to_have_value("1.5")
    expect(own).to_have_text("The model's own: LCM")
    steps.fill("9")
    studio.model.select_option(MODEL.id)
    expect(steps).to_have_value("9")
    expect(guidance).to_have_value("7.5")
    expect(own).to_have_text("The model's own: DPM++ 2M")


def test_settings_are_remembered_for_the_next_tab(studio: Studio) -> None:
    studio.sign_in().unfold()
    studio.field("Steps").fill("9")
    studio.button("3:2").click()
    studio.page.get_by_role("radio", name="3").check()
    studio.field("Seed").fill("12")
    other = studio.page.context.new_page()
    other.goto(studio.url)
    expect(other.locator("#num_inference_steps")).to_have_value("9")
    expect(other.locator("#width")).to_have_value("608")
    expect(other.locator("[name=num_images]:checked")).to_have_value("3")
    expect(other.locator("#seed")).to_have_value("12")
    expect(other.locator("#lock")).to_have_attribute("aria-pressed", "true")


def test_vary_draws_the_same_request_with_another_seed(
    studio: Studio, generator: SteppedGenerator
) -> None:
    studio.sign_in().draw("a lake", Seed="7", Steps="3")
    expect(studio.pictures).to_have_count(1)
    studio.prompt.fill("what I am writing now")
    studio.stage.get_by_role("button", name="Vary").click()
    expect(studio.tiles).to_have_count(2)
    expect(studio.pictures).to_have_count(1)
    studio.tiles.nth(1).click()
    expect(studio.stage).to_contain_text("Seed 7")
    studio.stage.get_by_role("button", name="Next seed").click()
    expect(studio.tiles).to_have_count(3)
    expect(studio.stage).to_contain_text("Seed 8")
    expect(studio.pictures).to_have_count(1)
    first, random, following = generator.drawn
    assert random.seed not in (7, None)
    assert following.seed == 8
    for other in (random, following):
        assert dataclasses.replace(other, id="-", seed=0) == dataclasses.replace(
            first, id="-", seed=0
        )
    expect(studio.prompt).to_have_value("what I am writing now")


def test_an_estimate_is_shown_before_and_while_waiting(
    studio: Studio, service: Service, generator: SteppedGenerator
) -> None:
    drawn(service, 1)

    def answer(route: Route) -> None:
        response = route.fetch()
        body = response.json()
        for job in body["jobs"]:
            if job["status"] == "succeeded":
                job["timings"] |= {"generate": 0.75, "encode": 0.25}
        route.fulfill(response=response, json=body)

    # One second for 256 × 256 pixels and one step.
    studio.page.route("**/v1/jobs?*", answer)
    studio.sign_in().unfold()
    studio.field("Steps").fill("5")
    expect(studio.page.locator("#estimate")).to_have_text("about 20 s")
    studio.page.get_by_role("radio", name="2").check()
    expect(studio.page.locator("#estimate")).to_have_text("about 40 s")
    generator.held = True
    studio.draw("first")
    expect(studio.bar).to_have_attribute("value", "1")
    studio.page.get_by_role("radio", name="1").check()
    studio.draw("second")
    expect(studio.stage).to_contain_text(re.compile(r"next in the queue, done in about \d+"))
    expect(studio.page).to_have_title("Waiting · ai-inference")
    generator.held = False
    expect(studio.pictures).to_have_count(1)


def test_a_connection_error_clears_once_the_service_answers_again(
    studio: Studio, server: Server
) -> None:
    studio.sign_in()
    server.stop()
    studio.page.evaluate("window.dispatchEvent(new Event('online'))")
    notices = studio.page.locator("#notices")
    expect(notices).to_contain_text("No connection to the service")
    server.start()
    expect(notices).to_be_empty()


def test_an_error_of_the_service_clears_when_it_is_repaired(
    studio: Studio, service: Service
) -> None:
    studio.sign_in()
    service.jobs.broken = True
    studio.page.evaluate("window.dispatchEvent(new Event('focus'))")
    notices = studio.page.locator("#notices")
    expect(notices).to_contain_text("the store is broken")
    service.jobs.broken = False
    expect(notices).to_be_empty()


def test_unreadable_pictures_appear_once_they_can_be_read(studio: Studio, service: Service) -> None:
    drawn(service, 2)
    service.results.broken = True
    studio.sign_in()
    expect(studio.stage.locator("img")).to_have_attribute("alt", re.compile("the disk is full"))
    expect(studio.pictures).to_have_count(0)
    service.results.broken = False
    studio.page.evaluate("window.dispatchEvent(new Event('focus'))")
    expect(studio.pictures).to_have_count(1)
    expect(studio.page.locator("#sheet img.loaded")).to_have_count(2)


def test_pending_and_unusable_files_show_their_reason(studio: Studio) -> None:
    def answer(route: Route) -> None:
        response = route.fetch()
        body = response.json()
        body["pending"] = [
            {
                "name": "big.safetensors",
                "path": "m/big",
                "size": 200,
                "state": "hashing",
                "hashed": 50,
            },
            {
                "name": "cut.ckpt",
                "path": "m/cut",
                "size": 9,
                "state": "broken",
                "hashed": 0,
                "reason": "stopped growing at 9 bytes, and its header promises 100",
            },
        ]
        route.fulfill(response=response, json=body)

    studio.page.route("**/v1/models", answer)
    studio.sign_in()
    studio.page.get_by_text("2 files being read").click()
    expect(studio.page.locator(".reasons li")).to_have_text(
        [
            "big.safetensors is being read, 25 %",
            "cut.ckpt stopped growing at 9 bytes, and its header promises 100",
        ]
    )
    studio.page.unroute("**/v1/models")
    expect(studio.page.locator("#other-models")).to_be_hidden()


@pytest.mark.parametrize("view", [{"color_scheme": "dark"}])
def test_the_theme_can_be_switched_and_is_kept(studio: Studio, view: dict[str, Any]) -> None:
    studio.sign_in()
    ground = "getComputedStyle(document.body).backgroundColor"
    dark = studio.page.evaluate(ground)
    switch = studio.page.locator("#theme")
    expect(switch).to_have_attribute("aria-label", "Theme: system. Switch to light")
    switch.click()
    light = studio.page.evaluate(ground)
    assert light != dark
    studio.page.reload()
    assert studio.page.evaluate(ground) == light
    switch.click()
    assert studio.page.evaluate(ground) == dark
    expect(switch).to_have_attribute("aria-label", "Theme: dark. Switch to system")
    switch.click()
    assert studio.page.evaluate("document.documentElement.dataset.theme") is None


@pytest.mark.parametrize("view", [{"viewport": {"width": 1000, "height": 800}}])
def test_a_tablet_shows_the_gallery_below_the_picture(
    studio: Studio, service: Service, view: dict[str, Any]
) -> None:
    drawn(service, 30)
    studio.sign_in()
    expect(studio.pictures).to_have_count(1)
    gallery, stage = studio.page.locator("#gallery").bounding_box(), studio.stage.bounding_box()
    assert gallery is not None
    assert stage is not None
    assert gallery["y"] >= stage["y"] + stage["height"] - 1
    studio.tiles.last.scroll_into_view_if_needed()
    expect(studio.draw_button).to_be_in_viewport()
    studio.tiles.last.click()
    expect(studio.stage).to_contain_text("picture 0")
    expect(studio.pictures).to_be_in_viewport()


@pytest.mark.parametrize("view", [PHONE])
def test_a_phone_shows_the_gallery_with_one_touch(
    studio: Studio, service: Service, view: dict[str, Any]
) -> None:
    drawn(service, 30)
    studio.sign_in()
    expect(studio.stage).to_be_in_viewport()
    expect(studio.draw_button).to_be_in_viewport()
    expect(studio.page.locator("#gallery")).to_be_hidden()
    studio.turn_to("Pictures")
    expect(studio.tiles.first).to_be_in_viewport()
    expect(studio.prompt).to_be_hidden()
    studio.tiles.nth(3).click()
    expect(studio.stage).to_contain_text("picture 26")
    expect(studio.pictures).to_be_in_viewport()
    studio.button("Use these settings").click()
    expect(studio.prompt).to_be_focused()


def test_a_background_tab_shows_in_its_title_that_a_drawing_is_done(
    studio: Studio, generator: SteppedGenerator
) -> None:
    generator.held = True
    studio.sign_in().draw()
    expect(studio.page).to_have_title("25 % · ai-inference")
    hide = "Object.defineProperty(document, 'hidden', {{value: {}, configurable: true}})"
    studio.page.evaluate(hide.format("true"))
    generator.held = False
    expect(studio.page).to_have_title("Done · ai-inference")
    studio.page.evaluate(
        hide.format("false") + "; document.dispatchEvent(new Event('visibilitychange'))"
    )
    expect(studio.page).to_have_title("ai-inference")


@pytest.mark.parametrize("size", [(1280, 800), (1920, 1080)])
@pytest.mark.parametrize("shape", [(512, 512), (768, 512), (512, 768)])
def test_a_picture_uses_the_available_room(
    studio: Studio, service: Service, size: tuple[int, int], shape: tuple[int, int]
) -> None:
    width, height = shape
    drawn(service, 1, width=width, height=height)
    studio.page.set_viewport_size({"width": size[0], "height": size[1]})
    studio.sign_in()
    expect(studio.pictures).to_have_count(1)
    box, stage = studio.pictures.bounding_box(), studio.stage.bounding_box()
    assert box is not None
    assert stage is not None
    scale = min(box["width"] / width, box["height"] / height)
    # The frame uses in one direction what is free in the other.
    assert scale * width >= 0.9 * stage["width"] or scale * height >= 0.7 * stage["height"]
    assert studio.page.evaluate("document.documentElement.scrollHeight - innerHeight") <= 0


def test_without_storage_everything_else_works(studio: Studio) -> None:
    forbid = "Object.defineProperty(globalThis, '{}', {{get() {{ throw new Error('no') }}}});"
    studio.page.add_init_script(forbid.format("localStorage") + forbid.format("sessionStorage"))
    studio.sign_in().draw()
    expect(studio.pictures).to_have_count(1)
