"""A picture that a drawing starts from: dropped, pasted, chosen, or drawn before."""

import re
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from domain.generation.parts import ResizeMode
from domain.pictures import MOST_PIXELS_SENT
from tests.browser.earlier import drawn
from tests.browser.pictures.source_pictures import PictureField, fact, landscape, payload
from tests.browser.studio import PHONE, Server, SteppedGenerator, Studio
from tests.http.conftest import Service


def sent(studio: Studio) -> list[str]:
    """Note each picture that is sent to the service from now on."""
    urls: list[str] = []
    studio.page.on(
        "request",
        lambda request: (
            urls.append(request.url)
            if request.method == "POST" and request.url.endswith("/v1/images")
            else None
        ),
    )
    return urls


@pytest.mark.parametrize("how", ["choose", "drop", "paste"])
def test_a_drawing_starts_from_a_picture(
    studio: Studio, generator: SteppedGenerator, how: str
) -> None:
    studio.sign_in()
    uploads = sent(studio)
    picture = PictureField(studio)
    file = ("lake.jpg", "image/jpeg", landscape(form="JPEG"))
    if how == "choose":
        picture.choose(file[2], file[0], file[1])
    else:
        picture.transfer(how, file)
    expect(picture.card).to_contain_text("lake.jpg")
    expect(picture.card).to_contain_text("384 × 256")
    expect(picture.card.locator("img").first).to_have_js_property("naturalWidth", 384)
    expect(studio.page.locator("#size-now")).to_have_text("384 × 256")
    studio.field("Strength").fill("0.5")
    studio.field("Where the shape differs").select_option("pad")
    studio.field("Noise").fill("0.9")
    for number in (1, 2):
        studio.draw("a lake at night")
        expect(studio.tiles).to_have_count(number)
        expect(studio.pictures).to_have_count(1)
    first, second = generator.drawn
    assert first.source is not None
    assert (first.source.strength, first.source.resize_mode) == (0.5, ResizeMode.PAD)
    assert first.source.noise_multiplier == 0.9
    assert (first.source.init_image.width, first.source.init_image.height) == (384, 256)
    assert (first.width, first.height) == (384, 256)
    assert second.source == first.source
    assert len(uploads) == 1
    expect(fact(studio, "Strength")).to_have_text("0.5")
    expect(fact(studio, "Noise")).to_have_text("0.9")


def test_a_removed_picture_is_not_drawn_from(studio: Studio, generator: SteppedGenerator) -> None:
    studio.sign_in()
    picture = PictureField(studio).choose(landscape())
    studio.page.get_by_role("button", name="Remove the picture").click()
    expect(picture.card).to_be_hidden()
    expect(studio.page.locator("#choose-picture")).to_be_focused()
    expect(studio.field("Strength")).to_be_hidden()
    studio.draw()
    expect(studio.pictures).to_have_count(1)
    assert generator.drawn[0].source is None


def test_a_drawing_waits_for_its_picture(studio: Studio, generator: SteppedGenerator) -> None:
    studio.sign_in()
    held: list[Route] = []
    studio.page.route("**/v1/images", lambda route: held.append(route))
    studio.page.locator("#picture-file").set_input_files(payload(landscape()))
    expect(PictureField(studio).card).to_contain_text("Sending")
    studio.draw("a lake")
    expect(studio.draw_button).to_have_attribute("aria-disabled", "true")
    assert generator.drawn == []
    held[0].continue_()
    expect(studio.pictures).to_have_count(1)
    assert generator.drawn[0].source is not None


def test_a_picture_is_sent_again_once_the_service_is_back(studio: Studio, server: Server) -> None:
    studio.sign_in()
    picture = PictureField(studio)
    first = picture.choose(landscape()).id.input_value()
    server.stop()
    studio.page.locator("#picture-file").set_input_files(payload(landscape(300, 300)))
    expect(picture.card).to_contain_text("Trying again")
    server.start()
    expect(picture.id).not_to_have_value("")
    assert picture.id.input_value() != first


def test_a_part_of_the_page_that_did_not_load_is_loaded_again(
    studio: Studio, server: Server, generator: SteppedGenerator
) -> None:
    studio.sign_in()
    server.stop()
    picture = PictureField(studio)
    studio.page.locator("#picture-file").set_input_files(payload(landscape()))
    expect(picture.error).to_contain_text("did not load")
    server.start()
    studio.draw("a lake")
    expect(picture.error).to_contain_text("did not load")
    assert generator.drawn == []
    picture.choose(landscape())
    expect(picture.error).to_be_hidden()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"not a picture", "picture"),
        (landscape()[:200], "picture"),
        (b"GIF89a" + bytes(40), "The picture is not a PNG, JPEG or WebP file"),
    ],
)
def test_a_refused_picture_shows_the_reason_and_is_gone(
    studio: Studio, generator: SteppedGenerator, data: bytes, said: str
) -> None:
    studio.sign_in()
    picture = PictureField(studio)
    studio.page.locator("#picture-file").set_input_files(payload(data))
    expect(picture.error).to_contain_text(said)
    expect(studio.page.locator("#announcer")).to_contain_text(said)
    expect(picture.card).to_be_hidden()
    assert picture.id.input_value() == ""


def test_a_refused_picture_is_not_left_out_in_silence(
    studio: Studio, generator: SteppedGenerator
) -> None:
    studio.sign_in()
    held: list[Route] = []
    studio.page.route("**/v1/images", lambda route: held.append(route))
    studio.page.locator("#picture-file").set_input_files(payload(b"not a picture"))
    studio.draw("a lake")
    held[0].continue_()
    expect(PictureField(studio).error).to_be_visible()
    expect(studio.draw_button).to_have_attribute("aria-disabled", "false")
    assert generator.drawn == []


@pytest.mark.parametrize("excess", [0, 1])
def test_a_file_that_is_too_large_is_refused_without_being_sent(
    studio: Studio, service: Service, excess: int
) -> None:
    studio.sign_in()
    uploads = sent(studio)
    most = service.container.settings().max_picture_bytes
    data = landscape()
    studio.page.locator("#picture-file").set_input_files(
        payload(data + bytes(most - len(data) + excess))
    )
    picture = PictureField(studio)
    if excess:
        expect(picture.error).to_contain_text("16.8 MB")
        assert uploads == []
    else:
        expect(picture.id).not_to_have_value("")


def test_a_picture_with_too_many_pixels_shows_the_reason(studio: Studio) -> None:
    studio.sign_in()
    side = int(MOST_PIXELS_SENT**0.5) + 8
    studio.page.locator("#picture-file").set_input_files(payload(landscape(side, side)))
    expect(PictureField(studio).error).to_contain_text(str(side))


def test_start_from_this_one_uses_the_id_of_a_finished_picture(
    studio: Studio, service: Service, generator: SteppedGenerator
) -> None:
    drawn(service, 1, num_images=2, width=384)
    generator.drawn.clear()
    studio.sign_in()
    uploads = sent(studio)
    expect(studio.pictures).to_have_count(2)
    studio.stage.get_by_role("button", name="Start from this one").nth(1).click()
    picture = PictureField(studio)
    expect(picture.card).to_contain_text("picture 0")
    expect(picture.card.locator("img").first).to_have_js_property("naturalWidth", 384)
    expect(studio.prompt).to_be_focused()
    studio.draw("the same at night")
    expect(studio.tiles).to_have_count(2)
    expect(studio.pictures).to_have_count(1)
    (request,) = generator.drawn
    assert request.source is not None
    assert (request.width, request.height) == (384, 256)
    assert request.source.init_image.id == picture.id.input_value()
    assert uploads == []


def test_the_viewer_starts_from_its_picture(studio: Studio, service: Service) -> None:
    drawn(service, 1)
    studio.sign_in()
    expect(studio.pictures).to_have_count(1)
    studio.button("Open large").click()
    expect(studio.page.locator("#viewer-compare")).to_be_hidden()
    studio.page.keyboard.press("s")
    expect(studio.page.locator("#viewer")).to_be_hidden()
    expect(PictureField(studio).card).to_be_visible()


def test_a_chosen_size_stays_and_the_shape_of_the_picture_is_offered(studio: Studio) -> None:
    studio.sign_in()
    size = studio.page.locator("#size-now")
    studio.button("3:2").click()
    expect(size).to_have_text("608 × 416")
    PictureField(studio).choose(landscape(300, 300))
    expect(size).to_have_text("608 × 416")
    own = studio.page.locator("#picture-shape")
    expect(own).to_have_attribute("aria-pressed", "false")
    own.click()
    expect(size).to_have_text("304 × 304")
    expect(own).to_have_attribute("aria-pressed", "true")
    PictureField(studio).choose(landscape(4000, 1000), "wide.png")
    expect(size).to_have_text("1024 × 256")
    studio.page.get_by_role("button", name="Remove the picture").click()
    expect(own).to_be_hidden()


def test_settings_of_a_finished_picture_bring_its_source_back(
    studio: Studio, generator: SteppedGenerator
) -> None:
    studio.sign_in()
    picture = PictureField(studio).choose(landscape())
    studio.field("Strength").fill("0.3")
    studio.draw("from a picture")
    expect(studio.pictures).to_have_count(1)
    image_id = picture.id.input_value()
    studio.page.get_by_role("button", name="Remove the picture").click()
    studio.draw("from text")
    expect(studio.tiles).to_have_count(2)
    expect(studio.pictures).to_have_count(1)
    studio.tiles.nth(1).click()
    expect(studio.stage).to_contain_text("from a picture")
    studio.button("Use these settings").click()
    expect(picture.id).to_have_value(image_id)
    expect(picture.card.locator("img").first).to_have_js_property("naturalWidth", 384)
    expect(studio.field("Strength")).to_have_value("0.3")
    studio.tiles.nth(0).click()
    expect(studio.stage).to_contain_text("from text")
    studio.button("Use these settings").click()
    expect(picture.card).to_be_hidden()
    expect(picture.id).to_have_value("")


def test_a_reload_keeps_the_picture_and_signing_out_forgets_it(studio: Studio) -> None:
    studio.sign_in()
    picture = PictureField(studio).choose(landscape())
    image_id = picture.id.input_value()
    studio.button("3:2").click()
    studio.page.reload()
    expect(picture.card).to_contain_text("384 × 256")
    expect(picture.id).to_have_value(image_id)
    expect(studio.page.locator("#size-now")).to_have_text("608 × 416")
    studio.button("Sign out").click()
    studio.sign_in("another-key-of-the-tests")
    expect(picture.card).to_be_hidden()
    expect(picture.id).to_have_value("")


def test_a_picture_that_is_gone_is_reported(studio: Studio) -> None:
    studio.sign_in()
    picture = PictureField(studio).choose(landscape())
    studio.page.route(re.compile("/v1/images/"), lambda route: route.fulfill(status=404, json={}))
    studio.page.reload()
    expect(picture.error).to_be_visible()
    expect(picture.id).to_have_value("")


def test_a_model_that_draws_from_text_alone_says_so(
    studio: Studio, generator: SteppedGenerator
) -> None:
    inputs = ["text", "image", "mask"]

    def answer(route: Route) -> None:
        response = route.fetch()
        body: dict[str, Any] = response.json()
        body["models"][0]["inputs"] = inputs
        route.fulfill(response=response, json=body)

    studio.page.route("**/v1/models", answer)
    studio.sign_in()
    picture = PictureField(studio).choose(landscape())
    expect(studio.field("Strength")).to_be_visible()
    expect(studio.field("Picture guidance")).to_be_hidden()
    inputs[:] = ["text"]
    studio.page.evaluate("window.dispatchEvent(new Event('focus'))")
    reason = studio.page.locator("#source-reason")
    expect(reason).to_have_text("a.safetensors draws from text alone. The picture is not used.")
    expect(studio.page.locator("#choose-picture")).to_be_disabled()
    expect(studio.field("Strength")).to_be_hidden()
    studio.page.locator("#larger summary").click()
    expect(studio.field("Second pass")).to_be_disabled()
    studio.draw("a lake")
    expect(studio.pictures).to_have_count(1)
    assert generator.drawn[0].source is None
    inputs[:] = ["text", "image"]
    studio.page.evaluate("window.dispatchEvent(new Event('focus'))")
    expect(reason).to_be_hidden()
    expect(studio.page.get_by_role("button", name="Paint a mask")).to_be_disabled()
    expect(picture.card).to_be_visible()


def test_picture_guidance_belongs_to_models_that_change_pictures(studio: Studio) -> None:
    def answer(route: Route) -> None:
        response = route.fetch()
        body: dict[str, Any] = response.json()
        body["models"][0] |= {"inputs": ["image"], "family": "sd-1-pix2pix", "schedulers": []}
        route.fulfill(response=response, json=body)

    studio.page.route("**/v1/models", answer)
    studio.sign_in()
    expect(studio.page.locator("#source-reason")).to_contain_text("choose the one to start from")
    bodies: list[dict[str, Any]] = []

    def note(route: Route) -> None:
        bodies.append(dict(route.request.post_data_json or {}))
        route.fulfill(status=422, json={"detail": "not today"})

    studio.page.route("**/v1/jobs", note)
    PictureField(studio).choose(landscape())
    expect(studio.page.locator("#source-reason")).to_be_hidden()
    expect(studio.field("Noise")).to_be_hidden()
    studio.field("Picture guidance").fill("2.5")
    studio.draw("make it night")
    expect(studio.page.locator("#form-error")).to_have_text("not today")
    assert bodies[0]["image_guidance_scale"] == 2.5
    assert "noise_multiplier" not in bodies[0]


def test_what_handles_pictures_loads_with_the_first_one(studio: Studio) -> None:
    studio.sign_in().draw()
    expect(studio.pictures).to_have_count(1)
    assert [url for url in studio.requests if "/pictures/" in url] == []
    PictureField(studio).choose(landscape())
    loaded = {url.rsplit("/", 1)[1] for url in studio.requests if "/pictures/" in url}
    assert {"source.js", "pictures.css"} <= loaded
    assert "editor.js" not in loaded


@pytest.mark.parametrize("view", [PHONE])
def test_a_phone_starts_from_a_finished_picture(
    studio: Studio, service: Service, view: dict[str, Any]
) -> None:
    drawn(service, 1)
    studio.sign_in()
    expect(studio.pictures).to_have_count(1)
    studio.stage.get_by_role("button", name="Start from this one").click()
    expect(PictureField(studio).card).to_be_visible()
    expect(studio.field("Strength")).to_be_visible()
    assert studio.width_to_scroll() == 0
