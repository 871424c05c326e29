"""Where finished pictures lie."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence

from domain.generation.request import GeneratedImage

__all__ = ["ResultStore"]


class ResultStore(ABC):
    """The image files of jobs, by the job's token.

    Any thread may call any method. Writing and reading raise StorageUnavailable when that can not
    be done. A thumbnail lives as long as its images: writing the images anew removes it.
    """

    @abstractmethod
    def write(self, token: str, images: Sequence[GeneratedImage]) -> None:
        """Keep all images of a job, or none. They survive the end of the process from then on."""

    @abstractmethod
    def read(self, token: str, number: int) -> bytes | None:
        """The file of image `number`, counted from 0; None when it is not there."""

    @abstractmethod
    def write_thumbnail(self, token: str, number: int, data: bytes) -> None:
        """Keep a small file of image `number`. Nothing when the images are no longer there."""

    @abstractmethod
    def read_thumbnail(self, token: str, number: int) -> bytes | None:
        """The small file of image `number`; None when none is kept."""

    @abstractmethod
    def remove(self, tokens: Collection[str]) -> None:
        """Give up the images of these jobs; those that are not there are no matter."""

    @abstractmethod
    def keep_only(self, tokens: Collection[str]) -> None:
        """Give up everything else: what a process that was killed has left behind.

        No picture where `tokens` is empty: that is a database that was lost, rather than pictures
        that all were.
        """
