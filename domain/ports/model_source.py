"""What is in the model folders."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from domain.models.record import ModelRecord, PendingModel

__all__ = ["ModelScan", "ModelSource"]


@dataclass(frozen=True, slots=True)
class ModelScan:
    """What one look found.

    Attributes:
        models: One record a file, in any order.
        pending: Files that will be listed once they are whole or wait no longer to be, and their
            bytes are known.
        moving: Whether a later look will know more of them though nobody touches the files.
        settled: Whether none of them is worth waiting for: what moves is being written to.
        unread: Paths that could not be looked at, as when a folder is missing; none when the look
            was complete. What lay there or below may be there still.
    """

    models: tuple[ModelRecord, ...]
    pending: tuple[PendingModel, ...] = ()
    moving: bool = False
    settled: bool = True
    unread: tuple[str, ...] = ()


class ModelSource(ABC):
    """Looks at the places where models lie. One thread at a time scans and waits."""

    @abstractmethod
    def scan(self) -> ModelScan:
        """What is there now. Does not wait for bytes to be read: that goes on in the background.

        A file that can not be read is pending with the reason, and `unread`; it never stops the
        scan. So is a file that is not whole, until it has not changed for a while: then it is
        listed as not loadable, with the reason. A folder that is missing is not one without
        models: it is `unread`.
        """

    @abstractmethod
    def wait(self, seconds: float) -> None:
        """Return when something may have changed, after `seconds` at the latest, or on `close`."""

    @abstractmethod
    def close(self) -> None:
        """End what goes on in the background, and any `wait`. Any thread may call it."""
