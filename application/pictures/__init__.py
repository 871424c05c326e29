"""Pictures that callers send, and those that were drawn for them, by the SHA-256 of the file."""

from application.pictures.held import HeldPictures
from application.pictures.pictures import KeptPicture, Pictures

__all__ = ["HeldPictures", "KeptPicture", "Pictures"]
