"""Pictures for the tests of drawing from pictures, and the page's controls for them."""

import io
import re
from collections.abc import Sequence

from PIL import Image, ImageDraw, PngImagePlugin
from playwright.sync_api import FilePayload, Locator, expect

from tests.browser.studio import Studio

__all__ = ["PictureField", "fact", "landscape", "mask_in", "payload", "with_parameters"]


def landscape(width: int = 384, height: int = 256, form: str = "PNG") -> bytes:
    """Return the file of a picture with a sun on a sky."""
    picture = Image.new("RGB", (width, height), (120, 170, 220))
    ImageDraw.Draw(picture).ellipse((10, 10, 60, 60), fill=(250, 220, 90))
    stream = io.BytesIO()
    picture.save(stream, form)
    return stream.getvalue()


def with_parameters(text: str, width: int = 384, height: int = 256) -> bytes:
    """Return a PNG that carries these parameters, as AUTOMATIC1111's web UI writes them."""
    facts = PngImagePlugin.PngInfo()
    facts.add_text("parameters", text)
    stream = io.BytesIO()
    Image.new("RGB", (width, height), (120, 170, 220)).save(stream, "PNG", pnginfo=facts)
    return stream.getvalue()


def payload(data: bytes, name: str = "lake.png", kind: str = "image/png") -> FilePayload:
    """Return a file as a file field takes it."""
    return {"name": name, "mimeType": kind, "buffer": data}


def mask_in(data: bytes) -> Image.Image:
    """Return the mask in a PNG file, in grey."""
    return Image.open(io.BytesIO(data)).convert("L")


def fact(studio: Studio, name: str) -> Locator:
    """Return what the stage says under this name of the drawing."""
    term = studio.page.locator("dt", has_text=re.compile(f"^{name}$"))
    return studio.stage.locator(".facts div", has=term).locator("dd")


class PictureField:
    """The part of the form for the picture that a drawing starts from."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio
        self.page = studio.page

    def choose(
        self, data: bytes, name: str = "lake.png", kind: str = "image/png"
    ) -> "PictureField":
        """Choose a picture file, and wait until the service has it."""
        self.page.locator("#picture-file").set_input_files(payload(data, name, kind))
        expect(self.id).not_to_have_value("")
        return self

    def transfer(self, event: str, *files: tuple[str, str, bytes], target: str = "body") -> None:
        """Drop or paste files with an event of this name."""
        self.page.evaluate(
            """([event, target, files]) => {
              const data = new DataTransfer();
              for (const [name, type, bytes] of files) {
                data.items.add(new File([new Uint8Array(bytes)], name, { type }));
              }
              const facts = { bubbles: true, cancelable: true };
              const made = event === "paste"
                ? new ClipboardEvent(event, { ...facts, clipboardData: data })
                : new DragEvent(event, { ...facts, dataTransfer: data });
              document.querySelector(target).dispatchEvent(made);
            }""",
            [event, target, [[name, kind, list(data)] for name, kind, data in files]],
        )

    @property
    def card(self) -> Locator:
        return self.page.locator("#source-card")

    @property
    def id(self) -> Locator:
        return self.page.locator("#init_image")

    @property
    def mask_id(self) -> Locator:
        return self.page.locator("#mask_image")

    @property
    def error(self) -> Locator:
        return self.page.locator("#init_image-error")

    def paint(self) -> Locator:
        """Open the window for the mask, and return its frame."""
        self.page.get_by_role("button", name="mask").first.click()
        frame = self.page.locator(".mask-frame")
        expect(frame).to_be_focused()
        return frame

    def paper(self) -> dict[str, float]:
        """Return where the picture lies under the mask, in CSS pixels."""
        box = self.page.locator(".mask-paper > img").bounding_box()
        assert box is not None
        return {"x": box["x"], "y": box["y"], "width": box["width"], "height": box["height"]}

    def stroke(self, points: Sequence[tuple[float, float]]) -> None:
        """Paint with the mouse through these points, which are shares of the picture's sides."""
        box = self.paper()
        places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
        self.page.mouse.move(*places[0])
        self.page.mouse.down()
        for place in places[1:]:
            self.page.mouse.move(*place, steps=4)
        self.page.mouse.up()

    def finish(self) -> None:
        """Close the window for the mask, and wait until the service has the mask."""
        self.page.get_by_role("button", name="Done").click()
        expect(self.page.locator(".mask-frame")).to_have_count(0)
        expect(self.mask_id).not_to_have_value("")
