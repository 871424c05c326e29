"""From a request to its pictures."""

import re
from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.studio import Server, SteppedGenerator, Studio
from tests.http.conftest import AUTHORIZED, Service, infer_body
from tests.http.helpers import fill_queue, occupy_device


def shown_size(page: Page) -> list[int]:
    size: list[int] = page.locator("#stage figure img").first.evaluate(
        "image => [image.naturalWidth, image.naturalHeight]"
    )
    return size


def test_the_progress_of_a_drawing_is_shown(studio: Studio, generator: SteppedGenerator) -> None:
    generator.held = True
    studio.sign_in().draw("a red circle", Width="256", Height="320")
    expect(studio.bar).to_have_attribute("value", "1")
    expect(studio.bar).to_have_attribute("max", "4")
    expect(studio.stage).to_contain_text("Step 1 of 4")  # from now on the page listens for events
    generator.let_on()
    expect(studio.bar).to_have_attribute("value", "2")
    preview = studio.page.get_by_alt_text("The picture so far")
    expect(preview).to_have_attribute("src", re.compile("^data:image/jpeg;base64,"))
    assert preview.evaluate("image => image.decode().then(() => image.naturalWidth)") == 32
    expect(studio.stage).to_contain_text("Step 2 of 4")
    expect(studio.stage).to_contain_text(re.compile(r"\d s left"))
    expect(studio.bar).to_have_attribute("aria-valuetext", re.compile("Step 2 of 4 .* left"))
    expect(studio.page.locator("#announcer")).to_contain_text("50 % drawn")
    expect(studio.tiles.first).to_contain_text("50 %")
    expect(studio.page).to_have_title("50 % · ai-inference")
    generator.held = False
    expect(studio.pictures).to_have_count(1)
    assert shown_size(studio.page) == [256, 320]
    expect(studio.page.locator("#announcer")).to_have_text("Finished: 1 picture")
    expect(studio.bar).to_have_count(0)
    expect(studio.page).to_have_title("ai-inference")


def test_a_cancelled_drawing_shows_that_it_was_cancelled(
    studio: Studio, generator: SteppedGenerator
) -> None:
    generator.held = True
    studio.sign_in().draw()
    expect(studio.bar).to_have_attribute("value", "1")
    studio.button("Cancel").click()
    expect(studio.stage).to_contain_text("Stopping")
    generator.let_on()
    expect(studio.stage).to_contain_text("Cancelled")
    expect(studio.tiles).to_have_text([re.compile("Cancelled")])
    assert generator.drawn == []


def test_a_failed_drawing_shows_the_error_of_the_service(
    studio: Studio, generator: SteppedGenerator
) -> None:
    generator.failures.append(RuntimeError("a secret of the logs"))
    studio.sign_in().draw()
    expect(studio.stage).to_contain_text("This could not be drawn")
    expect(studio.stage).to_contain_text("the log has it")
    expect(studio.stage).not_to_contain_text("secret")
    expect(studio.tiles).to_have_text([re.compile("Failed")])


def test_a_full_queue_is_retried_until_there_is_room(studio: Studio, service: Service) -> None:
    studio.sign_in()
    occupy_device(service)
    fill_queue(service)
    studio.draw("patience")
    expect(studio.stage).to_contain_text("the queue is full: 2 jobs are already waiting")
    expect(studio.stage).to_contain_text("Trying again by itself in")
    service.generator.gate.set()
    expect(studio.pictures).to_have_count(1)
    assert [request.prompt for request in service.generator.drawn].count("patience") == 1


def test_waiting_for_room_can_be_stopped(studio: Studio, service: Service) -> None:
    studio.sign_in()
    occupy_device(service)
    fill_queue(service)
    studio.draw("patience")
    studio.button("Stop trying").click()
    expect(studio.stage).to_contain_text("Say what you would like to see")
    expect(studio.draw_button).to_have_attribute("aria-disabled", "false")


def test_the_place_in_the_queue_is_shown(studio: Studio, service: Service) -> None:
    studio.sign_in()
    occupy_device(service)
    studio.draw("first")
    expect(studio.stage).to_contain_text("next in the queue")
    studio.draw("second")
    expect(studio.stage).to_contain_text("number 2 in the queue")
    service.generator.gate.set()
    expect(studio.pictures).to_have_count(1)


def test_a_reload_finds_the_drawing_again(studio: Studio, generator: SteppedGenerator) -> None:
    generator.held = True
    studio.sign_in().draw("a lake", Seed="5")
    expect(studio.bar).to_have_attribute("value", "1")
    studio.page.reload()
    expect(studio.bar).to_have_attribute("value", "1")
    expect(studio.prompt).to_have_value("a lake")
    expect(studio.button("Keep this seed")).to_have_attribute("aria-pressed", "true")
    generator.held = False
    expect(studio.pictures).to_have_count(1)


def test_a_restarted_service_is_found_again(
    studio: Studio, server: Server, generator: SteppedGenerator
) -> None:
    generator.held = True
    studio.sign_in().draw()
    expect(studio.bar).to_have_attribute("value", "1")
    server.stop()
    expect(studio.page.locator("#notices")).to_contain_text("No connection")
    server.start()
    generator.held = False
    expect(studio.pictures).to_have_count(1)
    expect(studio.page.locator("#notices")).to_be_empty()


def test_the_connection_recovers_while_a_drawing_continues_unseen(
    studio: Studio, server: Server, service: Service, generator: SteppedGenerator
) -> None:
    body = infer_body(prompt="an earlier one", num_inference_steps=1)
    service.client.post("/v1/infer", json=body, headers=AUTHORIZED)
    generator.held = True
    studio.sign_in().draw()
    expect(studio.bar).to_have_attribute("value", "1")
    studio.tiles.last.click()
    expect(studio.pictures).to_have_count(1)
    server.stop()
    expect(studio.page.locator("#notices")).to_contain_text("No connection")
    server.start()
    expect(studio.page.locator("#notices")).to_be_empty()


def test_without_event_streams_the_page_polls(studio: Studio, generator: SteppedGenerator) -> None:
    generator.held = True
    studio.page.route("**/events", lambda route: route.fulfill(status=502, body="a proxy's page"))
    studio.sign_in().draw()
    expect(studio.stage).to_contain_text("Step 1 of 4")
    generator.held = False
    expect(studio.pictures).to_have_count(1)


HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>"


def test_text_is_never_rendered_as_html(studio: Studio) -> None:
    studio.sign_in().draw(HOSTILE)
    expect(studio.pictures).to_have_count(1)
    expect(studio.stage.locator(".caption")).to_have_text(HOSTILE)
    assert studio.page.locator("script").count() == 2


def test_a_picture_can_be_enlarged_saved_and_its_seed_copied(
    studio: Studio, view: dict[str, Any]
) -> None:
    studio.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    studio.sign_in()
    studio.page.get_by_role("radio", name="2").check()
    studio.draw("A Red Circle!", Seed="7")
    expect(studio.pictures).to_have_count(2)
    studio.button("Open large").click()
    dialog = studio.page.get_by_role("dialog")
    expect(dialog).to_contain_text("Seed 7 · 512 × 512")
    studio.page.keyboard.press("ArrowRight")
    expect(dialog).to_contain_text("Seed 8")
    studio.page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(studio.button("Open large")).to_be_focused()
    studio.button("Copy seed 8").click()
    assert studio.page.evaluate("navigator.clipboard.readText()") == "8"
    with studio.page.expect_download() as download:
        studio.page.get_by_role("link", name="Download the picture of seed 8").click()
    assert download.value.suggested_filename == "a-red-circle-8.png"
    assert download.value.path().read_bytes().startswith(b"\x89PNG")
