"""A ControlNet has a picture, and the page shows the map that is made of it."""

import io
import json

import pytest
from PIL import Image
from playwright.sync_api import Locator, Route, expect

from domain.models.record import ModelKind
from tests.browser.addons.addon_models import OUTLINES, AddonField, addon, with_addons
from tests.browser.pictures.source_pictures import PictureField, landscape, payload
from tests.browser.studio import Studio
from tests.http.conftest import Service

POSES = addon(ModelKind.CONTROLNET, "poses.safetensors")


@pytest.fixture
def field(studio: Studio, service: Service) -> AddonField:
    with_addons(service, OUTLINES, POSES)
    studio.sign_in()
    studio.prompt.fill("a fox")
    return AddonField(studio).open()


def look(card: Locator, name: str) -> Locator:
    return card.get_by_role("img", name=name)


def pixels(card: Locator, name: str) -> list[int]:
    """Return the levels of the picture that is shown, row by row."""
    expect(look(card, name)).not_to_have_js_property("naturalWidth", 0)
    data = look(card, name).evaluate(
        """async (image) => {
          const canvas = document.createElement("canvas");
          [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
          const context = canvas.getContext("2d");
          context.drawImage(image, 0, 0);
          return [...context.getImageData(0, 0, canvas.width, canvas.height).data];
        }"""
    )
    return [level for at, level in enumerate(data) if at % 4 == 0]


def grey(level: int, edge: int) -> bytes:
    """Return a PNG of 32 × 32 pixels with a step at the middle column."""
    picture = Image.new("RGB", (32, 32), (level,) * 3)
    picture.paste((edge,) * 3, (16, 0, 32, 32))
    stream = io.BytesIO()
    picture.save(stream, "PNG")
    return stream.getvalue()


def shown(card: Locator, name: str) -> None:
    expect(look(card, name)).not_to_have_js_property("naturalWidth", 0)


def test_the_map_of_a_picture_is_shown_and_follows_the_thresholds(
    field: AddonField, studio: Studio
) -> None:
    field.add(OUTLINES)
    card = field.card(ModelKind.CONTROLNET)
    # A ControlNet that is named for outlines begins with the preprocessor that finds them.
    maker = studio.field("Made into a map by of outlines.safetensors")
    expect(maker).to_have_value("canny")
    card.locator("input[type=file]").set_input_files(payload(grey(100, 130)))
    shown(card, "Picture")
    shown(card, "Map")
    assert set(pixels(card, "Map")) == {0}
    with studio.page.expect_response("**/v1/preprocess") as asked:
        studio.field("High of outlines.safetensors").fill("105")
        studio.field("Low of outlines.safetensors").fill("50")
    sent = json.loads(asked.value.request.post_data or "")
    assert sent["preprocessor"] == {"name": "canny", "low": 50, "high": 105}
    body = field.asked()
    (control,) = body["controls"]
    assert control == {
        "model_id": OUTLINES.id,
        "scale": 1,
        "start": 0,
        "end": 1,
        "preprocessor": {"name": "canny", "low": 50, "high": 105},
        "image": sent["image"],
    }
    assert 255 in pixels(card, "Map")


def test_every_field_of_a_control_is_sent(field: AddonField, studio: Studio) -> None:
    field.add(POSES)
    card = field.card(ModelKind.CONTROLNET)
    name = POSES.name
    expect(studio.field(f"Made into a map by of {name}")).to_have_value("")
    card.locator("input[type=file]").set_input_files(payload(grey(10, 20)))
    shown(card, "Picture")
    expect(look(card, "Map")).to_be_hidden()
    studio.field(f"Made into a map by of {name}").select_option("invert")
    shown(card, "Map")
    assert set(pixels(card, "Map")) == {245, 235}
    for label, value in (("Weight", "0.6"), ("Start", "0.1"), ("End", "0.8")):
        studio.field(f"{label} of {name}").fill(value)
    studio.field(f"Where the shape differs of {name}").select_option("pad")
    studio.field(f"What counts more of {name}").select_option("control")
    (control,) = field.asked()["controls"]
    assert control | {"image": None} == {
        "model_id": POSES.id,
        "image": None,
        "scale": 0.6,
        "start": 0.1,
        "end": 0.8,
        "preprocessor": "invert",
        "resize_mode": "pad",
        "mode": "control",
    }
    studio.field(f"Made into a map by of {name}").select_option("")
    expect(look(card, "Map")).to_be_hidden()
    assert "preprocessor" not in field.asked()["controls"][0]


def test_a_control_needs_a_picture_before_it_is_drawn_with(
    field: AddonField, studio: Studio
) -> None:
    field.add(OUTLINES)
    studio.page.locator("#addons > summary").click()
    studio.draw_button.click()
    card = field.card(ModelKind.CONTROLNET)
    expect(card).to_contain_text("This ControlNet needs a picture.")
    expect(card).to_be_visible()
    assert field.bodies == []
    card.locator("input[type=file]").set_input_files(payload(grey(1, 2)))
    assert len(field.asked()["controls"]) == 1


def test_a_picture_that_is_dropped_on_a_control_is_its_own(
    field: AddonField, studio: Studio
) -> None:
    field.add(OUTLINES)
    file = ("lake.png", "image/png", landscape(64, 48))
    PictureField(studio).transfer("drop", file, target=".control-picture")
    card = field.card(ModelKind.CONTROLNET)
    shown(card, "Picture")
    expect(PictureField(studio).card).to_be_hidden()
    expect(studio.page.locator("#init_image")).to_have_value("")


def test_a_drawing_waits_for_the_picture_of_a_control(field: AddonField, studio: Studio) -> None:
    held: list[Route] = []
    studio.page.route("**/v1/images", lambda route: held.append(route))
    field.add(OUTLINES)
    card = field.card(ModelKind.CONTROLNET)
    card.locator("input[type=file]").set_input_files(payload(grey(1, 2)))
    expect(card).to_contain_text("Sending …")
    studio.draw_button.click()
    expect(studio.draw_button).to_have_attribute("aria-disabled", "true")
    assert field.bodies == []
    with studio.page.expect_request("**/v1/jobs"):
        held[0].continue_()
    assert field.bodies[0]["controls"][0]["image"]["id"]


def test_a_file_that_is_not_a_picture_is_refused_at_the_control(
    field: AddonField, studio: Studio
) -> None:
    field.add(OUTLINES)
    card = field.card(ModelKind.CONTROLNET)
    card.locator("input[type=file]").set_input_files(payload(b"no picture"))
    expect(card.get_by_role("alert")).to_contain_text("picture")
    expect(studio.button("Choose a picture for outlines.safetensors")).to_be_visible()
    studio.draw_button.click()
    expect(card).to_contain_text("needs a picture")


def test_wrong_thresholds_are_explained_beside_the_map(field: AddonField, studio: Studio) -> None:
    field.add(OUTLINES)
    card = field.card(ModelKind.CONTROLNET)
    card.locator("input[type=file]").set_input_files(payload(grey(1, 200)))
    shown(card, "Map")
    studio.field("Low of outlines.safetensors").fill("220")
    expect(card.get_by_role("alert")).to_contain_text("must be no more than high, which is 200")


def test_signing_out_forgets_the_pictures_of_controls(field: AddonField, studio: Studio) -> None:
    field.add(OUTLINES)
    card = field.card(ModelKind.CONTROLNET)
    card.locator("input[type=file]").set_input_files(payload(grey(1, 200)))
    shown(card, "Map")
    studio.button("Sign out").click()
    studio.sign_in_here()
    expect(card).to_have_count(0)
    assert studio.page.locator("#controls").input_value() == ""


def test_a_picture_arrives_also_if_the_cards_are_made_again(
    field: AddonField, studio: Studio
) -> None:
    held: list[Route] = []
    studio.page.route("**/v1/images", lambda route: held.append(route))
    field.add(OUTLINES)
    card = field.card(ModelKind.CONTROLNET)
    card.locator("input[type=file]").set_input_files(payload(grey(1, 200)))
    expect(card).to_contain_text("Sending …")
    field.add(POSES)
    held[0].continue_()
    shown(card, "Map")
    expect(card).not_to_contain_text("Sending")
    expect(field.card(ModelKind.CONTROLNET, 1)).to_contain_text("Choose a picture")
