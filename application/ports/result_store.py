"""Stores the files of finished pictures."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence

from domain.generation.request import GeneratedImage

__all__ = ["ResultStore"]


class ResultStore(ABC):
    """The image files of jobs, by the job's token.

    Any thread may call any method. Writing and reading raise StorageUnavailable when the store
    fails. A thumbnail lives as long as its images: writing the images again removes it.
    """

    @abstractmethod
    def write(self, token: str, images: Sequence[GeneratedImage]) -> None:
        """Store all images of a job, or none. From then on they survive the end of the process."""

    @abstractmethod
    def read(self, token: str, number: int) -> bytes | None:
        """The file of image `number`, counted from 0; None when it is not there."""

    @abstractmethod
    def write_thumbnail(self, token: str, number: int, data: bytes) -> None:
        """Store a small file of image `number`. Does nothing when the images are not there."""

    @abstractmethod
    def read_thumbnail(self, token: str, number: int) -> bytes | None:
        """The small file of image `number`; None when there is none."""

    @abstractmethod
    def remove(self, tokens: Collection[str]) -> None:
        """Remove the images of these jobs. Those that are not there are ignored."""

    @abstractmethod
    def keep_only(self, tokens: Collection[str]) -> None:
        """Remove everything else: what a process that was killed has left.

        Where `tokens` is empty nothing is removed, because the database was probably lost.
        """
