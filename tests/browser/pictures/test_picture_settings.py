"""The settings that a picture carries are offered with the picture."""

import io

from PIL import Image
from playwright.sync_api import expect

from tests.browser.earlier import drawn
from tests.browser.pictures.source_pictures import PictureField, landscape, with_parameters
from tests.browser.studio import SteppedGenerator, Studio
from tests.http.conftest import AUTHORIZED, MODEL, Service

FOREIGN = (
    "a lighthouse, (oil painting:1.2)\nNegative prompt: people, text\n"
    "Steps: 22, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 6.5, Seed: 4242, Size: "
    f"384x256, Model hash: {MODEL.id[:10]}, Model: anything, Denoising strength: 0.55, "
    "Hires upscale: 1.5, Hires steps: 8, Hires upscaler: Latent, Version: v1.10.1"
)


def test_a_picture_of_automatic1111_offers_its_settings(
    studio: Studio, generator: SteppedGenerator
) -> None:
    studio.sign_in()
    picture = PictureField(studio)
    picture.transfer("drop", ("00012-4242.png", "image/png", with_parameters(FOREIGN)))
    expect(picture.card).to_contain_text("a lighthouse, (oil painting:1.2)")
    picture.card.get_by_role("button", name="Use the settings").click()
    expect(studio.prompt).to_have_value("a lighthouse, (oil painting:1.2)")
    expect(studio.page.locator("#negative_prompt")).to_have_value("people, text")
    expect(studio.page.locator("#seed")).to_have_value("4242")
    expect(studio.page.locator("#num_inference_steps")).to_have_value("22")
    expect(studio.page.locator("#guidance_scale")).to_have_value("6.5")
    expect(studio.page.locator("#scheduler")).to_have_value("DPM++ 2M Karras")
    expect(studio.page.locator("#second_pass")).to_be_checked()
    expect(picture.card).to_be_visible()
    studio.draw_button.click()
    expect(studio.pictures).to_have_count(1)
    (request,) = generator.drawn
    assert (request.seed, request.num_inference_steps, request.width) == (4242, 22, 384)
    assert request.source is not None
    assert request.second_pass is not None
    second = request.second_pass
    assert (second.scale, second.strength, second.num_inference_steps) == (1.5, 0.55, 8)


def test_the_settings_can_be_used_without_the_picture(
    studio: Studio, service: Service, generator: SteppedGenerator
) -> None:
    drawn(service, 1, prompt="a lake by day", seed=7)
    job = service.client.get("/v1/jobs?limit=1", headers=AUTHORIZED).get_json()["jobs"][0]
    file = service.client.get(job["images"][0]["url"], headers=AUTHORIZED).data
    generator.drawn.clear()
    studio.sign_in().unfold()
    studio.page.locator("#larger summary").click()
    studio.field("Second pass").check()
    picture = PictureField(studio).choose(file)
    picture.card.get_by_role("button", name="Use only the settings").click()
    expect(studio.prompt).to_have_value("a lake by day")
    expect(picture.card).to_be_hidden()
    expect(studio.field("Second pass")).not_to_be_checked()
    studio.draw_button.click()
    expect(studio.tiles).to_have_count(2)
    expect(studio.pictures).to_have_count(1)
    (request,) = generator.drawn
    assert (request.prompt, request.seed, request.width) == ("a lake by day", 7, 256)
    assert request.source is None


def test_what_is_not_here_is_named(studio: Studio) -> None:
    studio.sign_in()
    text = "a cat\nSteps: 9, Sampler: Restart, Seed: 1, Model hash: 0123456789, Model: other"
    picture = PictureField(studio).choose(with_parameters(text))
    picture.card.get_by_role("button", name="Use the settings").click()
    expect(picture.card).to_contain_text("Not here: the model other, the sampler Restart.")
    expect(studio.model).to_have_value(MODEL.id)


def test_a_jpeg_offers_its_settings_too(studio: Studio) -> None:
    studio.sign_in()
    exif = Image.Exif()
    comment = b"UNICODE\0" + "a red fox\nSteps: 5, Seed: 3, CFG scale: 4".encode("utf-16-be")
    exif.get_ifd(0x8769)[0x9286] = comment
    stream = io.BytesIO()
    Image.new("RGB", (256, 256)).save(stream, "JPEG", exif=exif)
    picture = PictureField(studio).choose(stream.getvalue(), "fox.jpg", "image/jpeg")
    expect(picture.card).to_contain_text("a red fox")


def test_a_plain_picture_offers_nothing(studio: Studio) -> None:
    studio.sign_in()
    picture = PictureField(studio).choose(landscape())
    expect(picture.card).not_to_contain_text("settings")
    assert not [url for url in studio.requests if "png-info" in url]
