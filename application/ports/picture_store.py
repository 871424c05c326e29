"""Stores the files of pictures that callers send."""

from abc import ABC, abstractmethod
from collections.abc import Collection

__all__ = ["PictureStore"]


class PictureStore(ABC):
    """Picture files by the SHA-256 of their bytes, each stored once.

    Any thread may call any method. `write`, `read` and `has` raise StorageUnavailable when the
    store fails. An id is 64 hex digits in lower case; ValueError is raised for any other one.
    """

    @abstractmethod
    def write(self, picture_id: str, data: bytes) -> None:
        """Store a file, or replace it. From then on it survives the end of the process."""

    @abstractmethod
    def read(self, picture_id: str) -> bytes | None:
        """The file; None when it is not there."""

    @abstractmethod
    def has(self, picture_id: str) -> bool:
        """Whether the file is there. It is not read."""

    @abstractmethod
    def remove(self, picture_id: str) -> None:
        """Remove a file, if it is there. Raises nothing else than ValueError.

        If the store fails, the file may stay until the next `keep_only`.
        """

    @abstractmethod
    def keep_only(self, picture_ids: Collection[str]) -> None:
        """Remove all other files, and what a process that was killed has left."""
