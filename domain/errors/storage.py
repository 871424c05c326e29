"""What is sent and what is kept."""

from domain.errors.base import DomainError

__all__ = ["StorageInUse", "StorageUnavailable", "UnreadablePicture"]


class UnreadablePicture(DomainError):
    """A picture that was sent can not be read; the message goes on after its name."""

    code = "unreadable_picture"

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(f"the picture {what}; send a PNG, JPEG or WebP file")


class StorageUnavailable(DomainError):
    """Jobs or results can not be kept or read now. The message never names a file."""

    code = "storage_unavailable"


class StorageInUse(StorageUnavailable):
    """Another process draws what is kept there."""

    code = "storage_in_use"

    def __init__(self) -> None:
        super().__init__(
            "another service uses the same DATA_DIR and draws its jobs; this one draws when that "
            "has ended, or with a DATA_DIR of its own"
        )
