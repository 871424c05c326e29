"""Reports on this process."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

__all__ = ["ProcessMemory", "ProcessReport"]


@dataclass(frozen=True, slots=True)
class ProcessMemory:
    """Bytes of the host's memory: what this process uses, and the total."""

    used: int
    total: int


class ProcessReport(ABC):
    """Reports on this process. Any thread may ask; no call waits or raises."""

    @property
    @abstractmethod
    def memory(self) -> ProcessMemory | None:
        """The resident memory of this process; None where the system does not tell."""
