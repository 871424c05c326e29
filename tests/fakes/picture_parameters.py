"""A reader that knows what each picture says."""

from domain.errors import UnreadablePicture
from domain.generation.picture_parameters import PictureParameters
from domain.ports.picture_parameters import PictureParametersReader

__all__ = ["FakePictureParametersReader"]


class FakePictureParametersReader(PictureParametersReader):
    """`known` pictures have their parameters; nothing else is a picture."""

    def __init__(self) -> None:
        self.known: dict[bytes, PictureParameters] = {}

    def read(self, data: bytes) -> PictureParameters:
        if data not in self.known:
            raise UnreadablePicture("is not a PNG, JPEG or WebP file")
        return self.known[data]
