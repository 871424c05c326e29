"""Errors of pictures that a caller sends or names by their ids."""

from dataclasses import dataclass

from domain.errors.base import DomainError

__all__ = ["PictureFileTooLarge", "PictureNotFound"]

_SHOWN_CHARACTERS = 80
"""The most characters of a client's id of a picture in a message."""


@dataclass(eq=False)
class PictureNotFound(DomainError):
    """You have no picture with this id. Pictures of other callers are never shown."""

    picture_id: str

    code = "picture_not_found"

    def __str__(self) -> str:
        return f"the caller has no picture {self.picture_id[:_SHOWN_CHARACTERS]!a}"


@dataclass(eq=False)
class PictureFileTooLarge(DomainError):
    """The picture file that you sent has too many bytes.

    Attributes:
        limit: The most bytes that a picture file may have.
    """

    limit: int

    code = "picture_file_too_large"

    def __str__(self) -> str:
        return f"the picture file has more than {self.limit} bytes"
