"""Scans the model folders."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from domain.models.record import ModelRecord, PendingModel

__all__ = ["ModelScan", "ModelSource"]


@dataclass(frozen=True, slots=True)
class ModelScan:
    """The result of one scan.

    Attributes:
        models: A record for each file, in any order.
        pending: Files that are not listed yet: they are incomplete, or their bytes are not read.
        moving: Whether a later scan will find more about the pending files even if no program
            changes them.
        settled: Whether no pending file is worth a wait: those that move are being written.
        unread: Paths that could not be read, such as a missing folder; empty if the scan was
            complete. Models at such a path or below it may still be there.
    """

    models: tuple[ModelRecord, ...]
    pending: tuple[PendingModel, ...] = ()
    moving: bool = False
    settled: bool = True
    unread: tuple[str, ...] = ()

    @property
    def is_reading(self) -> bool:
        """Whether a later scan may list pending files that no program changes."""
        return self.moving or any(each.is_hashing for each in self.pending)


class ModelSource(ABC):
    """Scans the places of models. One thread at a time scans and waits."""

    @abstractmethod
    def scan(self) -> ModelScan:
        """Return what is there now. The bytes of files are read in the background.

        A file that cannot be read is pending with the reason, and its path is `unread`. It never
        stops the scan. An incomplete file is pending too. After it has not changed for a while, it
        is listed as not loadable, with the reason. A missing folder does not count as an empty one:
        it is `unread`.
        """

    @abstractmethod
    def wait(self, seconds: float) -> None:
        """Wait until something may have changed, for at most `seconds`. `close` ends the wait."""

    @abstractmethod
    def close(self) -> None:
        """End the work in the background, and any `wait`. Any thread may call it."""
