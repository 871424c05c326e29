"""A preprocessor that needs no library."""

from domain.generation.parts import Preprocessor
from domain.generation.raster import Raster
from domain.ports.preprocessor import PicturePreprocessor

__all__ = ["FakePreprocessor"]


class FakePreprocessor(PicturePreprocessor):
    """Inverts as the real one does. Its edges are steps between neighbours in a row.

    Attributes:
        asked: What it was asked for, in order.
    """

    def __init__(self) -> None:
        self.asked: list[Preprocessor] = []

    def map_of(self, picture: Raster, preprocessor: Preprocessor) -> Raster:
        self.asked.append(preprocessor)
        if preprocessor.name == "invert":
            pixels = bytes(255 - level for level in picture.pixels)
            return Raster(picture.width, picture.height, pixels)
        threshold = preprocessor.high or 0
        found = bytearray()
        for row in range(picture.height):
            for column in range(picture.width):
                at = 3 * (row * picture.width + column)
                before = at - 3 if column else at
                steps = (abs(picture.pixels[at + n] - picture.pixels[before + n]) for n in range(3))
                found += bytes([255 if 4 * max(steps) > threshold else 0] * 3)
        return Raster(picture.width, picture.height, bytes(found))
