"""Where finished pictures lie."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence

from domain.generation import GeneratedImage

__all__ = ["ResultStore"]


class ResultStore(ABC):
    """The image files of jobs, by the job's token.

    Any thread may call any method. `write` and `read` raise StorageUnavailable when that can not
    be done.
    """

    @abstractmethod
    def write(self, token: str, images: Sequence[GeneratedImage]) -> None:
        """Keep all images of a job, or none. They survive the end of the process from then on."""

    @abstractmethod
    def read(self, token: str, number: int) -> bytes | None:
        """The file of image `number`, counted from 0; None when it is not there."""

    @abstractmethod
    def remove(self, tokens: Collection[str]) -> None:
        """Give up the images of these jobs; those that are not there are no matter."""

    @abstractmethod
    def keep_only(self, tokens: Collection[str]) -> None:
        """Give up everything else: what a process that was killed has left behind.

        No picture where `tokens` is empty: that is a database that was lost, rather than pictures
        that all were.
        """
