"""A resizer that needs no library."""

from domain.generation.parts import ResizeMode
from domain.generation.raster import Raster
from domain.ports.picture_resizer import PictureResizer
from domain.sizes import Size

__all__ = ["FakePictureResizer"]


class FakePictureResizer(PictureResizer):
    """Takes the nearest pixel. Every mode stretches.

    Attributes:
        asked: The sizes and modes that it was asked for, in order.
    """

    def __init__(self) -> None:
        self.asked: list[tuple[Size, ResizeMode]] = []

    def resized(self, picture: Raster, size: Size, mode: ResizeMode) -> Raster:
        self.asked.append((size, mode))
        rows = [
            [
                3 * (row * picture.height // size.height * picture.width + x)
                for x in (column * picture.width // size.width for column in range(size.width))
            ]
            for row in range(size.height)
        ]
        pixels = b"".join(bytes(picture.pixels[at : at + 3]) for row in rows for at in row)
        return Raster(size.width, size.height, pixels)
