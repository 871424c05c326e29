"""Knows which caller has which picture, and which jobs name or have drawn it."""

from abc import ABC, abstractmethod
from collections.abc import Collection
from dataclasses import dataclass

from application.job import Job
from domain.pictures import PictureRef

__all__ = ["DrawnPlace", "KnownPicture", "PictureIndex"]


@dataclass(frozen=True, slots=True)
class DrawnPlace:
    """Where the file of a drawn picture is: the token of its job, and its number from 0."""

    token: str
    number: int


@dataclass(frozen=True, slots=True)
class KnownPicture:
    """A picture that a caller has.

    Attributes:
        ref: The picture.
        is_kept: Whether it has a file of its own, because the caller sent it or a request named it.
        drawn: Where its file is among those of a job that drew it; None if no such job is kept.
    """

    ref: PictureRef
    is_kept: bool
    drawn: DrawnPlace | None = None


class PictureIndex(ABC):
    """The pictures of each caller, by the SHA-256 of the file.

    It is stored with the jobs. `JobStore` notes which pictures a job names and has drawn, in the
    same step in which it stores the job. Any thread may call any method. Each raises
    StorageUnavailable when the database cannot be reached, or is locked or full; then nothing was
    changed. What a method has written survives the end of the process.
    """

    @abstractmethod
    def add(self, caller: str, ref: PictureRef, *, at: float, is_sent: bool) -> bool:
        """Note that a caller has a picture with a file of its own, and that it was used.

        Args:
            caller: The owner.
            ref: The picture.
            at: When it was used; seconds since 1970.
            is_sent: Whether the caller sent the bytes. Else they were drawn for it.

        Returns:
            False if the caller had the picture before, sent or drawn.
        """

    @abstractmethod
    def take_back(self, caller: str, picture_id: str) -> None:
        """Undo `add` of a new picture whose file could not be written.

        Does nothing if a job names the picture.
        """

    @abstractmethod
    def find(
        self, caller: str, picture_id: str, *, used_at: float | None = None
    ) -> KnownPicture | None:
        """The picture of a caller; None if it has no such picture.

        If `used_at` is given, a picture with a file of its own was used then. In the same step, so
        that it is not retired meanwhile.
        """

    @abstractmethod
    def is_known(self, picture_id: str) -> bool:
        """Whether any caller has this picture with a file of its own."""

    @abstractmethod
    def ids(self) -> Collection[str]:
        """The id of every picture with a file of its own. Waits longer."""

    @abstractmethod
    def forget(self, job: Job) -> Collection[str]:
        """Forget the pictures that a job has drawn and that have files of their own.

        A picture that the caller sent, or that another of its jobs names, stays. Returns the ids of
        pictures that a caller no longer has.
        """

    @abstractmethod
    def retire(self, *, used_before: float, sparing: float, keep_bytes: int) -> Collection[str]:
        """Forget old pictures that no job of their callers names. Waits longer.

        Those that were last used before `used_before` go. If jobs and pictures use more than
        `keep_bytes`, the oldest beyond each caller's share go too, as in `JobStore.retire`, except
        those that were used after `sparing`: a request is about to name them.

        Returns:
            The ids of pictures that a caller no longer has.
        """

    @abstractmethod
    def catch_up(self, after: int = 0) -> int | None:
        """Note the pictures that an earlier release has drawn, of some jobs. Waits longer.

        Args:
            after: The sequence after which the jobs begin.

        Returns:
            Where to go on; None if there are no more such jobs.
        """
