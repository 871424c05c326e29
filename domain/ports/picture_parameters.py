"""Reads what pictures say of themselves."""

from abc import ABC, abstractmethod

from domain.generation.picture_parameters import PictureParameters

__all__ = ["PictureParametersReader"]


class PictureParametersReader(ABC):
    """Knows the picture files of this service and of others. Any thread may call it."""

    @abstractmethod
    def read(self, data: bytes) -> PictureParameters:
        """The text in a PNG, JPEG or WebP file, whoever made it.

        Nothing of the picture itself is looked at, so that a file of any size costs little time
        and no more memory than its own.

        Raises UnreadablePicture: it is no such file, its text is cut off or endless, or it claims
        to have more pixels than any honest picture.
        """
