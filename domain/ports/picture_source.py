"""Reads the picture files that a request names."""

from abc import ABC, abstractmethod

from domain.errors import PictureNotFound

__all__ = ["NoPictures", "PictureSource"]


class PictureSource(ABC):
    """Picture files by their ids. Any thread may call it.

    It asks for no caller: a request names pictures of its own caller alone, which was checked
    before the request was accepted.
    """

    @abstractmethod
    def read(self, picture_id: str) -> bytes:
        """Return the file with this id, the SHA-256 of its bytes.

        Raises:
            PictureNotFound: The file is gone, or no longer has the bytes that the id names.
            StorageUnavailable: It cannot be read now.
        """


class NoPictures(PictureSource):
    """A source without pictures, for a program whose requests name none."""

    def read(self, picture_id: str) -> bytes:
        raise PictureNotFound(picture_id)
