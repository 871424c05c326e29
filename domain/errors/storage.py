"""Errors of pictures that clients send, and of stored jobs and pictures."""

from dataclasses import dataclass
from enum import StrEnum

from domain.errors.base import DomainError

__all__ = ["StorageFault", "StorageInUse", "StorageUnavailable", "UnreadablePicture"]


@dataclass(eq=False)
class UnreadablePicture(DomainError):
    """The picture that you sent cannot be read."""

    what: str

    code = "unreadable_picture"

    def __str__(self) -> str:
        return f"the picture {self.what}"


class StorageFault(StrEnum):
    """Why jobs or pictures cannot be stored or read. The remedy depends on it."""

    PASSING = "passing"
    """Another attempt may succeed: a lock, a slow disk, a database that restarts."""
    NEWER = "newer"
    """A newer release has written the database."""
    FOLDER = "folder"
    """The data folder cannot be written to or locked."""
    LINK_KEY = "link_key"
    """The key that signs links can be neither read nor made, or is damaged."""


@dataclass(eq=False)
class StorageUnavailable(DomainError):
    """Jobs or pictures cannot be stored or read now.

    Attributes:
        reason: Why.
        fault: The kind of reason.

    Raises:
        ValueError: there is no such kind.
    """

    reason: str
    fault: str = StorageFault.PASSING

    code = "storage_unavailable"

    def __post_init__(self) -> None:
        StorageFault(self.fault)  # each API has a remedy for each of these

    def __str__(self) -> str:
        return self.reason


class StorageInUse(StorageUnavailable):
    """Another service uses the same data folder."""

    code = "storage_in_use"

    def __init__(self) -> None:
        super().__init__("another service uses the same data folder", StorageFault.FOLDER)
