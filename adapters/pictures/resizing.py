"""Gives a picture another size, with Pillow."""

from PIL import Image, ImageOps

from domain.generation.parts import ResizeMode
from domain.generation.raster import Raster
from domain.ports.picture_resizer import PictureResizer
from domain.sizes import Size

__all__ = ["PillowPictureResizer"]

_LANCZOS = Image.Resampling.LANCZOS


class PillowPictureResizer(PictureResizer):
    """Resizes with Pillow, as the engine resizes the pictures that it draws from."""

    def resized(self, picture: Raster, size: Size, mode: ResizeMode) -> Raster:
        if (picture.width, picture.height) == (size.width, size.height):
            return picture
        own = (picture.width, picture.height)
        image = Image.frombuffer("RGB", own, picture.pixels, "raw", "RGB", 0, 1)
        wanted = (size.width, size.height)
        match mode:
            case ResizeMode.STRETCH:
                made = image.resize(wanted, _LANCZOS)
            case ResizeMode.CROP:
                made = ImageOps.fit(image, wanted, _LANCZOS)
            case ResizeMode.PAD:
                made = _padded(image, size)
        return Raster(size.width, size.height, made.tobytes())


def _padded(image: Image.Image, size: Size) -> Image.Image:
    """Return the whole picture in the middle of this size. The pixels of its edge are repeated."""
    factor = min(size.width / image.width, size.height / image.height)
    width = min(size.width, max(1, round(image.width * factor)))
    height = min(size.height, max(1, round(image.height * factor)))
    inner = image.resize((width, height), _LANCZOS)
    left, top = (size.width - width) // 2, (size.height - height) // 2
    made = Image.new("RGB", (size.width, size.height))
    # Each side has the pixels of the edge of the picture, first across and then down.
    made.paste(inner.crop((0, 0, 1, height)).resize((left or 1, height)), (0, top))
    right = size.width - left - width
    edge = inner.crop((width - 1, 0, width, height)).resize((right or 1, height))
    made.paste(edge, (size.width - (right or 1), top))
    made.paste(inner, (left, top))
    bottom = size.height - top - height
    if top:
        row = made.crop((0, top, size.width, top + 1))
        made.paste(row.resize((size.width, top)), (0, 0))
    if bottom:
        row = made.crop((0, top + height - 1, size.width, top + height))
        made.paste(row.resize((size.width, bottom)), (0, top + height))
    return made
