"""Makes small pictures of large ones."""

from abc import ABC, abstractmethod

__all__ = ["ThumbnailMaker"]


class ThumbnailMaker(ABC):
    """Shrinks the picture files of this service. Any thread may call it."""

    @abstractmethod
    def make(self, data: bytes) -> bytes:
        """A small WebP file of the whole picture in `data`, a PNG, JPEG or WebP file.

        It keeps the picture's proportions, and is never larger in pixels than the picture.

        Raises UnreadablePicture: `data` is not a picture, or is cut off.
        """
