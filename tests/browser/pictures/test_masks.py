"""A mask that is painted over a picture: by mouse, touch and keyboard, at any zoom."""

import io
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Route, expect

from domain.generation.parts import InpaintArea, MaskContent
from tests.browser.pictures.source_pictures import PictureField, fact, landscape, mask_in
from tests.browser.studio import PHONE, SteppedGenerator, Studio
from tests.http.conftest import AUTHORIZED, Service

WIDTH, HEIGHT = 384, 256
_CENTRE = (0.5, 0.5)
_CORNER = (0.02, 0.02)


class Masks:
    """The masks that the service has from the page."""

    def __init__(self, picture: PictureField, service: Service) -> None:
        self._picture = picture
        self._service = service

    @property
    def last(self) -> Image.Image:
        """Return the mask that the form names, in grey."""
        url = f"/v1/images/{self._picture.mask_id.input_value()}"
        return mask_in(self._service.client.get(url, headers=AUTHORIZED).data)

    def at(self, x: float, y: float) -> int:
        """Return the grey of the mask at shares of its sides; 255 is drawn again."""
        mask = self.last
        grey = mask.getpixel((int(x * (mask.width - 1)), int(y * (mask.height - 1))))
        assert isinstance(grey, int)
        return grey


def ready(studio: Studio, service: Service, data: bytes = b"") -> tuple[PictureField, Masks]:
    """Sign in and choose a picture."""
    studio.sign_in()
    picture = PictureField(studio).choose(data or landscape(WIDTH, HEIGHT))
    return picture, Masks(picture, service)


def test_a_painted_mask_is_drawn_with(
    studio: Studio, service: Service, generator: SteppedGenerator
) -> None:
    picture, masks = ready(studio, service)
    expect(studio.page.locator("#mask-fields")).to_be_hidden()
    picture.paint()
    picture.stroke([(0.25, 0.5), (0.75, 0.5)])
    picture.finish()
    assert masks.last.size == (WIDTH, HEIGHT)
    assert [masks.at(x, 0.5) for x in (0.3, 0.5, 0.7)] == [255] * 3
    assert [masks.at(*each) for each in ((0.02, 0.5), (0.5, 0.05), (0.98, 0.95))] == [0] * 3
    studio.page.get_by_text("Mask settings").click()
    studio.field("Draw at full size").select_option("masked")
    studio.field("Under the mask at first").select_option("noise")
    studio.field("Soft edge").fill("9")
    studio.field("Padding").fill("48")
    studio.draw("a boat")
    expect(studio.pictures).to_have_count(1)
    (request,) = generator.drawn
    source = request.source
    assert source is not None
    assert source.mask_image is not None
    assert source.mask_image.id == picture.mask_id.input_value()
    assert (source.inpaint_area, source.mask_content) == (InpaintArea.MASKED, MaskContent.NOISE)
    assert (source.mask_blur, source.inpaint_padding) == (9, 48)
    expect(fact(studio, "Mask")).to_have_text("blur 9, noise, only round it with 48 pixels")


def test_a_mask_can_be_removed(
    studio: Studio, service: Service, generator: SteppedGenerator
) -> None:
    picture, _ = ready(studio, service)
    picture.paint()
    picture.stroke([_CENTRE])
    picture.finish()
    studio.page.get_by_role("button", name="No mask").click()
    expect(picture.mask_id).to_have_value("")
    expect(studio.page.locator("#mask-fields")).to_be_hidden()
    studio.draw("a boat")
    expect(studio.pictures).to_have_count(1)
    source = generator.drawn[0].source
    assert source is not None
    assert source.mask_image is None


def test_a_refused_mask_shows_the_reason_and_stops_only_the_drawing_that_waits(
    studio: Studio, service: Service, generator: SteppedGenerator
) -> None:
    picture, _ = ready(studio, service)
    held: list[Route] = []
    studio.page.route("**/v1/images", lambda route: held.append(route))
    picture.paint()
    picture.stroke([_CENTRE])
    studio.page.keyboard.press("Escape")
    studio.draw("a boat")
    held[0].fulfill(status=507, json={"detail": "there is no room for it"})
    error = studio.page.locator("#mask_image-error")
    expect(error).to_have_text("there is no room for it")
    expect(studio.draw_button).to_have_attribute("aria-disabled", "false")
    expect(studio.page.get_by_role("button", name="Paint a mask")).to_be_visible()
    assert generator.drawn == []
    studio.draw("a boat")
    expect(studio.pictures).to_have_count(1)
    source = generator.drawn[0].source
    assert source is not None
    assert source.mask_image is None


def test_strokes_are_erased_undone_redone_inverted_and_cleared(
    studio: Studio, service: Service
) -> None:
    picture, masks = ready(studio, service)
    press = studio.page.keyboard.press

    def grey() -> int:
        """Return the mask's centre after this window is closed; open it again."""
        picture.finish()
        found = masks.at(*_CENTRE)
        picture.paint()
        return found

    picture.paint()
    undo, redo = (studio.page.get_by_role("button", name=name) for name in ("Undo", "Redo"))
    expect(undo).to_be_disabled()
    picture.stroke([_CORNER])
    picture.stroke([_CENTRE])
    assert grey() == 255
    press("e")
    expect(studio.page.get_by_role("button", name="Eraser")).to_have_attribute(
        "aria-pressed", "true"
    )
    picture.stroke([_CENTRE])
    assert grey() == 0
    assert masks.at(*_CORNER) == 255
    press("i")
    assert grey() == 255
    assert masks.at(*_CORNER) == 0
    # Steps of an earlier visit are part of the mask; only those of this one can be undone.
    press("e")
    picture.stroke([_CENTRE])
    press("Control+z")
    expect(undo).to_be_disabled()
    press("Control+y")
    expect(redo).to_be_disabled()
    assert grey() == 0
    studio.page.get_by_role("button", name="Clear").click()
    studio.page.get_by_role("button", name="Done").click()
    expect(picture.mask_id).to_have_value("")


def test_closing_with_escape_keeps_what_was_painted(studio: Studio, service: Service) -> None:
    picture, masks = ready(studio, service)
    picture.paint()
    picture.stroke([_CENTRE])
    studio.page.keyboard.press("Escape")
    expect(picture.mask_id).not_to_have_value("")
    assert masks.at(*_CENTRE) == 255
    sent = picture.mask_id.input_value()
    picture.paint()
    studio.page.keyboard.press("Escape")
    expect(studio.page.locator(".mask-frame")).to_have_count(0)
    expect(picture.mask_id).to_have_value(sent)
    expect(studio.page.get_by_role("button", name="Change the mask")).to_be_focused()


def test_a_keyboard_paints_a_mask(studio: Studio, service: Service) -> None:
    picture, masks = ready(studio, service)
    picture.paint()
    keyboard = studio.page.keyboard
    size = studio.page.get_by_label("Size of the brush")
    before = int(size.input_value())
    keyboard.press("]")
    assert int(size.input_value()) > before
    for _ in range(30):
        keyboard.press("[")
    assert int(size.input_value()) < 8
    for _ in range(200):
        keyboard.press("]")
    for _ in range(12):
        keyboard.press("[")
    wide = int(size.input_value())
    assert wide < HEIGHT / 4
    step = wide / 4
    keyboard.press(" ")
    keyboard.down(" ")
    for _ in range(8):
        keyboard.press("ArrowRight")
    keyboard.up(" ")
    keyboard.press("ArrowDown")
    expect(studio.page.locator(".mask-editor [aria-live]")).to_contain_text("% from the left")
    # Enter puts the brush down and lifts it.
    for _ in range(8):
        keyboard.press("ArrowLeft")
    keyboard.press("Enter")
    for _ in range(4):
        keyboard.press("ArrowLeft")
    keyboard.press("Enter")
    for _ in range(20):
        keyboard.press("ArrowUp")
    picture.finish()
    right = 0.5 + 8 * step / WIDTH
    assert masks.at((0.5 + right) / 2, 0.5) == 255
    assert masks.at(0.5 - 4 * step / WIDTH, 0.5) == 255
    assert masks.at(right + wide / WIDTH, 0.5) == 0
    assert masks.at(0.5 - 4 * step / WIDTH, 0.5 - 2 * wide / HEIGHT) == 0


@pytest.mark.parametrize(
    "view",
    [
        {"viewport": {"width": 1280, "height": 900}, "device_scale_factor": 1},
        {"viewport": {"width": 1000, "height": 700}, "device_scale_factor": 3},
    ],
)
def test_a_stroke_is_where_the_pointer_is_at_any_zoom(
    studio: Studio, service: Service, view: dict[str, Any]
) -> None:
    picture, masks = ready(studio, service)
    picture.paint()
    studio.page.mouse.move(*_centre_of(studio))
    for _ in range(3):
        studio.page.keyboard.press("[")
    studio.page.mouse.wheel(0, -400)
    assert picture.paper()["width"] > studio.page.viewport_size["width"]  # type: ignore[index]
    x, y = _centre_of(studio)
    studio.page.mouse.move(x, y)
    studio.page.mouse.down()
    studio.page.mouse.up()
    box = picture.paper()
    at = ((x - box["x"]) / box["width"], (y - box["y"]) / box["height"])
    picture.finish()
    mask = masks.last
    found = mask.point(lambda grey: 255 if grey > 127 else 0).getbbox()
    assert found is not None
    middle = ((found[0] + found[2]) / 2 / WIDTH, (found[1] + found[3]) / 2 / HEIGHT)
    assert middle == pytest.approx(at, abs=1.5 / HEIGHT)


def _centre_of(studio: Studio) -> tuple[float, float]:
    box = studio.page.locator(".mask-frame").bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2 + 30, box["y"] + box["height"] / 2 + 20


@pytest.mark.parametrize("view", [PHONE])
def test_a_finger_paints_and_two_fingers_enlarge(
    studio: Studio, service: Service, view: dict[str, Any]
) -> None:
    studio.sign_in().unfold()
    picture = PictureField(studio).choose(landscape(WIDTH, HEIGHT))
    masks = Masks(picture, service)
    picture.paint()
    assert studio.width_to_scroll() == 0
    session = studio.page.context.new_cdp_session(studio.page)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        told = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": told})

    box = picture.paper()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    touch("touchStart", (x, y))
    touch("touchStart", (x, y), (x + 60, y))
    touch("touchMove", (x - 40, y), (x + 100, y))
    touch("touchEnd")
    assert picture.paper()["width"] > 1.5 * box["width"]
    # The stroke that the first finger began was not meant.
    expect(studio.page.get_by_role("button", name="Undo")).to_be_disabled()
    touch("touchStart", (x, y))
    touch("touchMove", (x + 5, y + 5))
    touch("touchEnd")
    expect(studio.page.get_by_role("button", name="Undo")).to_be_enabled()
    box = picture.paper()
    at = ((x - box["x"]) / box["width"], (y - box["y"]) / box["height"])
    picture.finish()
    assert masks.at(*at) == 255


def test_the_moving_tool_moves_the_picture_and_paints_nothing(
    studio: Studio, service: Service
) -> None:
    picture, _ = ready(studio, service)
    picture.paint()
    for _ in range(3):
        studio.page.keyboard.press("+")
    studio.page.keyboard.press("m")
    before = picture.paper()
    x, y = _centre_of(studio)
    studio.page.mouse.move(x, y)
    studio.page.mouse.down()
    studio.page.mouse.move(x + 40, y + 30)
    studio.page.mouse.up()
    after = picture.paper()
    moved = (after["x"] - before["x"], after["y"] - before["y"])
    assert moved == pytest.approx((40, 30), abs=1)
    expect(studio.page.get_by_role("button", name="Undo")).to_be_disabled()


def test_a_picture_that_a_camera_turned_has_an_upright_mask(
    studio: Studio, service: Service
) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter
    stream = io.BytesIO()
    Image.new("RGB", (WIDTH, HEIGHT)).save(stream, "JPEG", exif=exif)
    picture, masks = ready(studio, service, stream.getvalue())
    expect(picture.card).to_contain_text(f"{HEIGHT} × {WIDTH}")
    picture.paint()
    picture.stroke([(0.5, 0.1)])
    picture.finish()
    assert masks.last.size == (HEIGHT, WIDTH)
    assert masks.at(0.5, 0.1) == 255
    assert masks.at(0.1, 0.5) == 0


def test_the_settings_of_a_job_bring_its_mask_back(studio: Studio, service: Service) -> None:
    picture, masks = ready(studio, service)
    picture.paint()
    picture.stroke([_CENTRE])
    picture.finish()
    mask = picture.mask_id.input_value()
    studio.draw("a boat")
    expect(studio.pictures).to_have_count(1)
    studio.page.get_by_role("button", name="Remove the picture").click()
    studio.button("Use these settings").click()
    expect(picture.mask_id).to_have_value(mask)
    studio.page.get_by_role("button", name="Change the mask").click()
    expect(studio.page.locator(".mask-frame")).to_be_focused()
    picture.stroke([_CORNER])
    picture.finish()
    assert (masks.at(*_CENTRE), masks.at(*_CORNER)) == (255, 255)
