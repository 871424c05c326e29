"""Draw docs/from-pictures.jpg: what the demo makes of pictures.

.venv/bin/python -m tools.pictures_sheet docs/from-pictures.jpg

The rows, from left to right:

1. a day; the same by sunset at strength 0.4 and 0.6; and by night at strength 0.6
2. a circle; a mask; a blue circle and a green star, each drawn below the mask
3. a star of 256 x 256 pixels, enlarged; the same with a second pass; a quarter of the circle,
   enlarged with Lanczos' filter and with the demo's upscaler
"""

import argparse
import tempfile
from pathlib import Path

from PIL import Image, ImageDraw

from domain.generation.parts import SecondPass, SourceImage, Upscale
from tests.contract.from_pictures.drawn_by_the_demo import Demo
from tools.demo_checkpoint.judging.contact_sheet import contact_sheet

__all__ = ["pictures_sheet"]

_COLUMNS = 4
_SIDE, _SMALL = 512, 256
_JPEG_QUALITY = 88
_LANCZOS = Image.Resampling.LANCZOS


def pictures_sheet(demo: Demo) -> Image.Image:
    """Return the sheet, of 4 x 3 pictures of 256 x 256 pixels each."""
    return contact_sheet([*_of_strength(demo), *_of_masks(demo), *_of_size(demo)], columns=_COLUMNS)


def _of_strength(demo: Demo) -> list[Image.Image]:
    day = demo.draw("a landscape with mountains and a lake", _SIDE, seed=3)
    ref = demo.send(day)
    place = "a landscape with mountains and a lake"
    changed = [
        demo.draw(
            f"{place} {time}",
            _SIDE,
            guidance_scale=2.0,
            source=SourceImage(init_image=ref, strength=strength),
        )
        for time, strength in (("at sunset", 0.4), ("at sunset", 0.6), ("at night", 0.6))
    ]
    return [day, *changed]


def _of_masks(demo: Demo) -> list[Image.Image]:
    circle = demo.draw("a red circle on a white background", _SMALL, seed=3)
    mask = Image.new("L", (_SMALL, _SMALL))
    ImageDraw.Draw(mask).ellipse((30, 30, 226, 226), fill=255)
    source = SourceImage(init_image=demo.send(circle), mask_image=demo.send(mask), strength=1.0)
    shapes = [
        demo.draw(f"a {what} on a white background", _SMALL, seed=3, source=source)
        for what in ("blue circle", "green star")
    ]
    return [circle, mask.convert("RGB"), *shapes]


def _of_size(demo: Demo) -> list[Image.Image]:
    star = demo.draw("a red star on a white background", _SMALL)
    twice = demo.draw("a red star on a white background", _SMALL, second_pass=SecondPass())
    circle = demo.draw("a red circle on a white background", _SMALL, seed=3)
    upscale = Upscale(model_id=demo.model("demo-2x"))
    larger = demo.draw("a red circle on a white background", _SMALL, seed=3, upscale=upscale)
    quarter = (0, 0, _SIDE // 2, _SIDE // 2)
    plain = circle.resize((_SIDE, _SIDE), _LANCZOS)
    return [
        star.resize((_SIDE, _SIDE), _LANCZOS),
        twice,
        plain.crop(quarter),
        larger.crop(quarter),
    ]


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path)
    output: Path = parser.parse_args().output
    with tempfile.TemporaryDirectory() as folder:
        demo = Demo(Path(folder))
        try:
            pictures_sheet(demo).save(output, "JPEG", quality=_JPEG_QUALITY)
        finally:
            demo.close()


if __name__ == "__main__":
    _main()
