"""Makes the maps of ControlNets with OpenCV, which it imports at the first need."""

from domain.errors import OutOfMemory
from domain.generation.parts import Preprocessor
from domain.generation.raster import Raster
from domain.ports.preprocessor import PicturePreprocessor

__all__ = ["OpenCvPreprocessor"]

_LEVELS = bytes(255 - level for level in range(256))


class OpenCvPreprocessor(PicturePreprocessor):
    """Finds edges with OpenCV. It swaps light and dark without it."""

    def map_of(self, picture: Raster, preprocessor: Preprocessor) -> Raster:
        try:
            if preprocessor.name == "invert":
                pixels = bytes(picture.pixels).translate(_LEVELS)
            else:
                pixels = _edges(picture, preprocessor)
        except MemoryError as error:
            raise OutOfMemory("making the map of a picture", "the host") from error
        return Raster(picture.width, picture.height, pixels)


def _edges(picture: Raster, preprocessor: Preprocessor) -> bytes:
    import cv2
    import numpy as np

    levels = np.frombuffer(picture.pixels, np.uint8).reshape(picture.height, picture.width, 3)
    try:
        # OpenCV takes all three channels, and at each pixel the one with the largest gradient.
        edges = cv2.Canny(levels, preprocessor.low or 0, preprocessor.high or 0)
    except cv2.error as error:
        if error.code == cv2.Error.StsNoMem:
            raise MemoryError(str(error)) from error
        raise
    return np.repeat(edges, 3).tobytes()
