"""Lets one process at a time draw the stored jobs."""

from abc import ABC, abstractmethod

__all__ = ["SoleUse"]


class SoleUse(ABC):
    """The right to draw the jobs of a store. One process has it at a time.

    Two processes that had it would each find the other's jobs unfinished and draw them again. The
    right ends with the process, however that ends. Any thread may call any method.
    """

    @abstractmethod
    def take(self) -> bool:
        """Take the right; False while another process has it.

        Raises StorageUnavailable where that cannot be told.
        """

    @abstractmethod
    def release(self) -> None:
        """Give the right back. Does nothing when it was not taken. Raises nothing."""
