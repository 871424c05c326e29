"""Makes the map that a ControlNet follows from a picture."""

from abc import ABC, abstractmethod

from domain.generation.parts import Preprocessor
from domain.generation.raster import Raster

__all__ = ["PicturePreprocessor"]


class PicturePreprocessor(ABC):
    """Makes maps without any model. Any thread may call it."""

    @abstractmethod
    def map_of(self, picture: Raster, preprocessor: Preprocessor) -> Raster:
        """Return the map of a picture, with the size of the picture.

        Equal arguments give equal maps.

        Args:
            picture: The picture.
            preprocessor: What the map shows. `canny` draws edges as white lines on black, with the
                algorithm of Canny (1986) as OpenCV computes it: a gradient by the 3 × 3 Sobel
                operator, as the sum of both absolute values, in the channel where it is largest.
                `invert` replaces each level by 255 minus this level.

        Raises:
            OutOfMemory: The host does not have enough memory.
        """
