"""What is sent and what is kept."""

from domain.errors.base import DomainError

__all__ = ["StorageInUse", "StorageUnavailable", "UnreadablePicture"]


class UnreadablePicture(DomainError):
    """The picture that you sent cannot be read; `detail` says why."""

    code = "unreadable_picture"

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(f"the picture {what}; send a PNG, JPEG or WebP file")


class StorageUnavailable(DomainError):
    """Jobs or pictures cannot be stored or read now."""

    code = "storage_unavailable"


class StorageInUse(StorageUnavailable):
    """Another service uses the same `DATA_DIR`."""

    code = "storage_in_use"

    def __init__(self) -> None:
        super().__init__(
            "another service uses the same DATA_DIR; stop that one, or start this one with another "
            "DATA_DIR"
        )
