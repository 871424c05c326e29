"""Gives a picture another size."""

from abc import ABC, abstractmethod

from domain.generation.parts import ResizeMode
from domain.generation.raster import Raster
from domain.sizes import Size

__all__ = ["PictureResizer"]


class PictureResizer(ABC):
    """Resizes pictures. Any thread may call it."""

    @abstractmethod
    def resized(self, picture: Raster, size: Size, mode: ResizeMode) -> Raster:
        """Return a picture of this size, with Lanczos' filter.

        The pixels are those of a picture that is drawn from: `stretch` changes the proportions;
        `crop` fills the size and cuts off the rest on two sides; `pad` fits the whole picture in,
        and repeats the pixels of its edge on two sides. A picture of this size does not change.
        """
