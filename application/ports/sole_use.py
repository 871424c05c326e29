"""That one process alone draws what is kept."""

from abc import ABC, abstractmethod

__all__ = ["SoleUse"]


class SoleUse(ABC):
    """The right to draw the jobs of a store, which one process has at a time.

    Two that had it would each find the other's jobs unfinished and draw them again. It ends with
    the process, however that ends. Any thread may call any method.
    """

    @abstractmethod
    def take(self) -> bool:
        """Whether this process has it from now on; False while another one does.

        Raises StorageUnavailable where that can not be told.
        """

    @abstractmethod
    def release(self) -> None:
        """Let others have it. Nothing when it was not taken. Raises nothing."""
