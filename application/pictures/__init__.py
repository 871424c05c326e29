"""Pictures that callers send, and those that were drawn for them, by the SHA-256 of the file."""

from application.pictures.held import HeldPictures
from application.pictures.later import LaterPictures
from application.pictures.pictures import MAX_PICTURE_BYTES, KeptPicture, Pictures, kept_as
from application.pictures.shelf import PictureShelf
from application.pictures.stored import StoredPictures

__all__ = [
    "MAX_PICTURE_BYTES",
    "HeldPictures",
    "KeptPicture",
    "LaterPictures",
    "PictureShelf",
    "Pictures",
    "StoredPictures",
    "kept_as",
]
